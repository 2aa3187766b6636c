package embedded

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// query never ends by itself: the engine serves as long as it runs.
const query = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " +
	"SELECT sleepEachRow(3) FROM numbers(1000000000) SETTINGS max_block_size=1 FORMAT Null"

// RunChild turns the process into the engine when it was started as one, and
// does not return then. Call it first in main and in TestMain.
func RunChild() {
	if len(os.Args) != 6 || os.Args[1] != childArg {
		return
	}
	// The parent holds the other end of standard input: when it is gone,
	// however it went, the engine goes too.
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(library, dir, port, httpPort string) error {
	runtime.LockOSThread()
	lib, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", library, err)
	}
	var signalHandlers func(enabled bool)
	purego.RegisterLibFunc(&signalHandlers, lib, "chdb_set_signal_handlers_enabled")
	signalHandlers(false)
	var run func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	purego.RegisterLibFunc(&run, lib, "chdb_query_cmdline")
	var resultError func(result unsafe.Pointer) string
	purego.RegisterLibFunc(&resultError, lib, "chdb_result_error")

	args := []string{"clickhouse", "--path=" + dir, "--tcp_port=" + port, "--http_port=" + httpPort,
		"--listen_host=127.0.0.1", "--query=" + query}
	argv := make([]*byte, len(args)+1)
	for i, a := range args {
		b := append([]byte(a), 0)
		argv[i] = &b[0]
	}
	result := run(int32(len(args)), unsafe.Pointer(&argv[0]))
	runtime.KeepAlive(argv)
	if result != nil {
		if msg := resultError(result); msg != "" {
			return fmt.Errorf("engine: %s", msg)
		}
	}
	return nil
}
