// Command compare is this program's side of scripts/compare/compare.py. It does one piece of work for each line that it
// reads, and prints the seconds that it took. At the end of input it prints its peak memory in bytes.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/meta"
	"github.com/icl-msr/icl-msr/torch"
)

func main() {
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// task is what the command line asks for.
type task struct {
	mode, method, arch string
	batch, threads     int
	place
}

func parse(args []string) (task, error) {
	if len(args) < 5 || len(args) > 7 {
		return task{}, errors.New("usage: compare " +
			"augment|pictures|probe|knn|step|msr-step|rank-step|rank-step-local|meta-WAY METHOD ARCH BATCH THREADS " +
			"[DEVICE [SIZE]]")
	}
	batch, err1 := strconv.Atoi(args[3])
	threads, err2 := strconv.Atoi(args[4])
	at, err3 := parsePlace(args[5:])
	return task{args[0], args[1], args[2], batch, threads, at}, errors.Join(err1, err2, err3)
}

func work() error {
	t, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	torch.KeepMemory() // as the program does
	runtime.LockOSThread()
	if err := torch.SetThreads(t.threads); err != nil {
		return err
	}
	s := torch.NewScope()
	defer s.Close()
	switch {
	case t.mode == "augment":
		err = each(augment(t.batch))
	case t.mode == "probe" || t.mode == "knn":
		err = t.evaluate(s)
	case t.mode == "pictures":
		err = t.pictureViews()
	case strings.HasPrefix(t.mode, "rank-step"):
		err = t.rankSteps(s)
	case strings.HasSuffix(t.mode, "step"):
		err = t.trainSteps(s)
	default:
		err = t.metaSteps(s, meta.GradientMethod(strings.TrimPrefix(t.mode, "meta-")))
	}
	if err != nil {
		return err
	}
	return t.printPeak()
}

// each does one piece of work for each line of input.
func each(do func() error) error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		start := time.Now()
		if err := do(); err != nil {
			return err
		}
		fmt.Println(time.Since(start).Seconds())
	}
	return lines.Err()
}
