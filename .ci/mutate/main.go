// Command mutate changes the code in small ways and says which changes no test
// notices: a mutant that survives is behaviour that nobody checks. Each package is
// judged by its own tests. The work is done in a temporary copy of the tree.
//
//	go run ./.ci/mutate -seed 1 -n 100 ./store/ledger/... ./scoring
//
// A sample of n mutants is drawn for each pattern, from all its packages together.
// The same seed on the same tree draws the same mutants.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// verdict is what became of a mutant.
type verdict string

const (
	killed   verdict = "killed"   // a test failed, or ran past its time
	survived verdict = "survived" // every test passed
	invalid  verdict = "invalid"  // it does not compile, and does not count
)

// row is a line of the table.
type row struct {
	Package  string  `json:"package"`
	Sites    int     `json:"sites"` // mutants that there are
	Mutants  int     `json:"mutants"`
	Killed   int     `json:"killed"`
	Survived int     `json:"survived"`
	Percent  float64 `json:"survived_percent"`
}

// result is what is printed as JSON.
type result struct {
	Seed      uint64   `json:"seed"`
	Sample    int      `json:"sample"`
	Rows      []row    `json:"rows"`
	Survivors []string `json:"survivors"`
}

func main() {
	seed := flag.Uint64("seed", 1, "of the sample")
	n := flag.Int("n", 60, "mutants for each pattern")
	workers := flag.Int("workers", 2, "mutants tried at once, each in a copy of the tree")
	out := flag.String("json", "", "a file for the result as JSON; - is the standard output")
	flag.Parse()
	if err := run(*seed, *n, *workers, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(seed uint64, n, workers int, out string, patterns []string) error {
	if len(patterns) == 0 || n < 1 || workers < 1 {
		return errors.New("name packages, and at least one mutant and one worker")
	}
	trees, err := copies(workers)
	defer func() {
		for _, dir := range trees {
			_ = os.RemoveAll(dir)
		}
	}()
	if err != nil {
		return fmt.Errorf("copy the tree: %w", err)
	}
	res := result{Seed: seed, Sample: n, Survivors: []string{}}
	for _, p := range patterns {
		if err := res.pattern(p, trees); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	fmt.Printf("\n%-34s %6s %8s %7s %9s\n", "package", "sites", "mutants", "killed", "survived")
	for _, r := range res.Rows {
		fmt.Printf("%-34s %6d %8d %7d %7.1f %%\n", r.Package, r.Sites, r.Mutants, r.Killed, r.Percent)
	}
	b, err := json.MarshalIndent(res, "", "  ")
	switch out {
	case "":
		return err
	case "-":
		out = "/dev/stdout"
	}
	return errors.Join(err, os.WriteFile(out, append(b, '\n'), 0o644))
}

// copies makes so many copies of the tree; what there is of them comes with an error
// as well.
func copies(n int) (trees []string, err error) {
	for range n {
		dir, err := copyTree()
		if dir != "" {
			trees = append(trees, dir)
		}
		if err != nil {
			return trees, err
		}
	}
	return trees, nil
}

// copyTree copies the files that git knows, or would add, into a new directory.
func copyTree() (string, error) {
	list, err := exec.Command("git", "ls-files", "-z", "-co", "--exclude-standard").Output()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutate-")
	if err != nil {
		return "", err
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // deleted, and not committed so far
		}
		to := filepath.Join(dir, name)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, b, 0o644)); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

// pattern tries a sample of the mutants of the packages that a pattern names.
func (r *result) pattern(pattern string, trees []string) error {
	list := exec.Command("go", "list", "-f", "{{.Dir}}", pattern)
	list.Stderr = os.Stderr
	dirs, err := list.Output()
	if err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(".")
	if err == nil {
		root, err = filepath.Abs(root)
	}
	rows, limits := map[string]*row{}, map[string]time.Duration{}
	var all []mutant
	for _, d := range strings.Fields(string(dirs)) {
		pkg, relErr := filepath.Rel(root, d)
		found, findErr := mutantsOf(pkg)
		if err = errors.Join(err, relErr, findErr); err != nil {
			return err
		}
		begun := time.Now()
		if v, text := judge(trees[0], pkg, 10*time.Minute); v != survived {
			return fmt.Errorf("the tests of %s fail as it is:\n%s", pkg, text)
		}
		limits[pkg] = 15*time.Second + 5*time.Since(begun)
		rows[pkg] = &row{Package: pkg, Sites: len(found)}
		all = append(all, found...)
	}
	h := fnv.New64a()
	h.Write([]byte(pattern))
	random := rand.New(rand.NewPCG(r.Seed, h.Sum64()))
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for done := 0; done < r.Sample && len(all) > 0; {
		batch := all[:min(len(all), r.Sample-done)] // those that do not compile are replaced by the next
		all = all[len(batch):]
		for i, v := range try(batch, trees, limits) {
			m, row := batch[i], rows[batch[i].pkg]
			switch v {
			case invalid:
				continue
			case killed:
				row.Killed++
			case survived:
				row.Survived++
				r.Survivors = append(r.Survivors, m.String())
			}
			row.Mutants++
			done++
		}
	}
	r.sum(pattern, rows)
	return nil
}

// sum adds the rows of a pattern's packages, and one for them together.
func (r *result) sum(pattern string, rows map[string]*row) {
	total := row{Package: pattern}
	var list []row
	for _, p := range rows {
		p.Percent = 100 * float64(p.Survived) / float64(max(1, p.Mutants))
		list = append(list, *p)
		total.Sites, total.Mutants = total.Sites+p.Sites, total.Mutants+p.Mutants
		total.Killed, total.Survived = total.Killed+p.Killed, total.Survived+p.Survived
	}
	slices.SortFunc(list, func(a, b row) int { return strings.Compare(a.Package, b.Package) })
	if total.Percent = 100 * float64(total.Survived) / float64(max(1, total.Mutants)); len(list) > 1 {
		list = append(list, total)
	}
	r.Rows = append(r.Rows, list...)
}

// try judges mutants, as many at once as there are trees, and prints survivors.
func try(batch []mutant, trees []string, limits map[string]time.Duration) []verdict {
	verdicts := make([]verdict, len(batch))
	next := make(chan int)
	var workers sync.WaitGroup
	for _, tree := range trees {
		workers.Go(func() {
			for i := range next {
				m := &batch[i]
				file := filepath.Join(tree, m.file)
				before, err := os.ReadFile(file)
				if err != nil {
					verdicts[i] = invalid
					continue
				}
				after := slices.Concat(before[:m.from], []byte(m.text), before[m.to:])
				if os.WriteFile(file, after, 0o644) == nil {
					verdicts[i], _ = judge(tree, m.pkg, limits[m.pkg])
				}
				if os.WriteFile(file, before, 0o644) != nil || verdicts[i] == "" {
					panic("the copy of the tree cannot be written: " + file)
				}
				if verdicts[i] == survived {
					fmt.Println(m)
				}
			}
		})
	}
	for i := range batch {
		next <- i
	}
	close(next)
	workers.Wait()
	return verdicts
}

// judge compiles a package's tests and runs them.
func judge(tree, pkg string, limit time.Duration) (verdict, string) {
	dir, binary := filepath.Join(tree, pkg), filepath.Join(tree, "mutant.test")
	if err := os.Remove(binary); err != nil && !errors.Is(err, os.ErrNotExist) {
		panic("the copy of the tree cannot be written: " + err.Error())
	}
	build := exec.Command("go", "test", "-c", "-vet=off", "-o", binary, ".")
	build.Dir = dir
	if text, err := build.CombinedOutput(); err != nil {
		return invalid, string(text)
	}
	if _, err := os.Stat(binary); err != nil {
		return survived, "" // there are no tests
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// A mutant may allocate for ever: 4 GB of address space is a bound that no test reaches.
	test := exec.CommandContext(ctx, "sh", "-c", `ulimit -v 4000000; exec "$0" -test.failfast`, binary)
	test.Dir = dir
	test.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	test.Cancel = func() error { return syscall.Kill(-test.Process.Pid, syscall.SIGKILL) }
	var text bytes.Buffer
	test.Stdout, test.Stderr = &text, &text
	err := test.Run()
	// What a property found in this mutant is not for the next.
	_ = os.RemoveAll(filepath.Join(dir, "testdata", "rapid"))
	if err != nil {
		return killed, text.String()
	}
	return survived, ""
}
