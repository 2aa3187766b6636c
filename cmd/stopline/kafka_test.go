package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// kafkaJars fetches the jars of Apache Kafka from Maven Central, once, into
// the user's cache; a machine without Maven or Java skips the test.
func kafkaJars(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Skipf("no cache directory for the jars of Kafka: %v", err)
	}
	dir := filepath.Join(cache, "stopline", "kafka-3.9.1")
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return dir
	}
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the test against Apache Kafka needs %s, which is not here", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", "testdata/kafka/pom.xml",
		"dependency:copy-dependencies", "-DoutputDirectory="+dir).CombinedOutput()
	if err != nil {
		t.Skipf("Maven did not answer, so the test against Apache Kafka is skipped: %v: %.500s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// realKafka runs one node in KRaft mode and returns its address.
func realKafka(t *testing.T) string {
	t.Helper()
	jars := kafkaJars(t)
	dir, port, controller := t.TempDir(), freePort(t), freePort(t)
	config := filepath.Join(dir, "server.properties")
	text := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[1]d
controller.listener.names=CONTROLLER
log.dirs=%[3]s
offsets.topic.replication.factor=1
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
`, port, controller, filepath.Join(dir, "log"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	java := func(args ...string) *exec.Cmd {
		return exec.CommandContext(t.Context(), "java", append([]string{"-Xmx512m", "-cp", jars + "/*"}, args...)...)
	}
	if out, err := java("kafka.tools.StorageTool", "format", "-t", "c3RvcGxpbmUtdGVzdC0wMQ", "-c",
		config).CombinedOutput(); err != nil {
		t.Fatalf("format Kafka's storage: %v: %s", err, out)
	}
	node := java("kafka.Kafka", config)
	var log bytes.Buffer
	node.Stdout, node.Stderr = &log, &log
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = node.Process.Kill()
		_ = node.Wait() // it was killed
	})
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return addr
		}
	}
	t.Fatalf("Apache Kafka did not listen within a minute: %s", log.String())
	return ""
}

// The demo, with Apache Kafka in place of the embedded broker.
func TestApacheKafka(t *testing.T) {
	addr := realKafka(t)
	var s demoSummary
	runs(t, &s, "demo", "--kafka", addr, "--data", t.TempDir(), "--seed", "11", "--rate", "600", "--speed", "300",
		"--duration", "12s", "--listen", "127.0.0.1:0", "--summary", "json")
	if s.StopsRequested == 0 || s.SavedShare <= 0 || s.DeadLetters != 0 || s.Latency.N == 0 ||
		s.StopsHeld+s.StopsPartial+s.StopsMissed != s.StopsRequested {
		t.Errorf("%+v", s)
	}
	t.Logf("latency %+v, saved %.2f", s.Latency, s.SavedShare)
}
