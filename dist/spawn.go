package dist

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// childVariable is set for processes that Spawn started.
const childVariable = "ICLMSR_SPAWNED"

// Exit is the error of ranks of which one ended with a status other than 0.
type Exit struct {
	Status   int
	Messages []string // the errors of the ranks, and that of a rank that a signal ended
}

func (e *Exit) Error() string { return strings.Join(e.Messages, "; ") }

// grace is how long the other ranks have to end after one did, before they are asked to, and again before they are
// killed.
const grace = 12 * time.Second

// child is a rank that Spawn started.
type child struct {
	*exec.Cmd
	in, out *os.File // the pipe of its error
	told    string   // its error, once it has ended
}

// end is the end of a child.
type end struct {
	rank  int
	state *os.ProcessState
}

// Spawn runs this program n times with the arguments, as the ranks of one job on this machine. They communicate over
// the loopback, or over MASTER_ADDR. Rank 0 writes to stdout and stderr. Of the other ranks only stderr is shown, with
// the rank before each line. If a rank fails the others are ended, too. The error that a rank ends with (see [Tell]) is
// returned, once if several ranks tell the same. If ctx ends all ranks are interrupted. SIGUSR1 is passed to rank 0.
func Spawn(ctx context.Context, n int, args []string, stdout, stderr io.Writer) error {
	ranks, err := prepare(n, args, stdout, stderr)
	if err != nil {
		return err
	}
	ends, err := start(ranks)
	if err != nil {
		return err
	}
	saves := make(chan os.Signal, 1)
	signal.Notify(saves, syscall.SIGUSR1)
	defer signal.Stop(saves)
	first, killed := attend(ctx, ranks, ends, saves)
	if first == nil {
		return nil
	}
	return ended(ranks, first, ctx.Err() != nil && killed)
}

// start starts all ranks or none. They begin with SIGUSR1 ignored, because the signal would end a program that is still
// being loaded.
func start(ranks []*child) (<-chan end, error) {
	signal.Ignore(syscall.SIGUSR1)
	ends := make(chan end, len(ranks))
	for r, p := range ranks {
		err := p.Start()
		p.out.Close()
		if err != nil {
			signalAll(ranks[:r], syscall.SIGKILL)
			return nil, err
		}
		go func() {
			p.told = told(p.in)
			_ = p.Wait() // the state says more than the error
			ends <- end{r, p.ProcessState}
		}()
	}
	return ends, nil
}

func signalAll(ranks []*child, s syscall.Signal) {
	for _, p := range ranks {
		_ = p.Process.Signal(s) // fails for a process that has ended
	}
}

// attend waits until all ranks have ended. It returns the first that failed, and whether a signal ended one. After a
// failure the other ranks have some time to end. Those that are stopped (SIGSTOP) would never notice, and are killed at
// once.
func attend(ctx context.Context, ranks []*child, ends <-chan end, saves <-chan os.Signal) (first *end, killed bool) {
	var deadline, look <-chan time.Time
	interrupted, last := ctx.Done(), syscall.SIGTERM
	for left := len(ranks); left > 0; {
		select {
		case e := <-ends:
			left--
			killed = killed || e.state.ExitCode() < 0
			if first == nil && !e.state.Success() {
				tick := time.NewTicker(beat)
				defer tick.Stop()
				first, deadline, look = &e, time.After(grace), tick.C
			}
		case <-saves:
			_ = ranks[0].Process.Signal(syscall.SIGUSR1)
		case <-interrupted:
			interrupted = nil
			signalAll(ranks, syscall.SIGINT)
		case <-look:
			for _, p := range ranks {
				if suspended(p.Process.Pid) {
					_ = p.Process.Kill()
				}
			}
		case <-deadline:
			signalAll(ranks, last)
			last, deadline = syscall.SIGKILL, time.After(grace)
		}
	}
	return first, killed
}

// suspended reports whether a process is stopped by a signal. It is false if the system does not tell.
func suspended(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(text[max(0, bytes.LastIndexByte(text, ')')):], []byte(" "))
	return bytes.HasPrefix(state, []byte("T"))
}

// ended is the error of ranks of which one failed. If they were interrupted before they had ended it is
// context.Canceled.
func ended(ranks []*child, first *end, interrupted bool) error {
	if interrupted {
		return context.Canceled
	}
	out := &Exit{Status: first.state.ExitCode()}
	var texts []string
	for _, p := range ranks {
		texts = append(texts, p.told)
	}
	out.Messages = once(texts, out.Status < 0)
	if out.Status < 0 { // a signal ended it
		out.Status = 1
		out.Messages = append(out.Messages, fmt.Sprintf("rank %d ended (%s), so all were ended", first.rank, first.state))
	}
	return out
}

// prepare makes the commands of the ranks.
func prepare(n int, args []string, stdout, stderr io.Writer) ([]*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, port := cmp.Or(os.Getenv("MASTER_ADDR"), "127.0.0.1"), os.Getenv("MASTER_PORT")
	if port == "" {
		if port, err = freePort(address); err != nil {
			return nil, err
		}
	}
	lock := &sync.Mutex{}
	ranks := make([]*child, n)
	for r := range ranks {
		p := &child{Cmd: exec.Command(program, args...)}
		p.Env = append(os.Environ(), childVariable+"=1", "MASTER_ADDR="+address, "MASTER_PORT="+port,
			fmt.Sprintf("RANK=%d", r), fmt.Sprintf("LOCAL_RANK=%d", r),
			fmt.Sprintf("WORLD_SIZE=%d", n), fmt.Sprintf("LOCAL_WORLD_SIZE=%d", n))
		p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // only this process gets a terminal's Ctrl-C
		if _, err := p.StdinPipe(); err != nil {            // it closes when this process ends, in any way
			return nil, err
		}
		if p.in, p.out, err = os.Pipe(); err != nil {
			return nil, err
		}
		p.ExtraFiles = []*os.File{p.out} // errorsFD
		p.Stdout, p.Stderr = stdout, stderr
		if r > 0 {
			p.Stdout, p.Stderr = nil, &prefixer{w: stderr, prefix: fmt.Sprintf("[rank %d] ", r), lock: lock}
		}
		ranks[r] = p
	}
	return ranks, nil
}

// Spawned reports whether this process was started by Spawn.
func Spawned() bool { return os.Getenv(childVariable) != "" }

// Follow ends this process when the process that spawned it ends.
func Follow() {
	if Spawned() {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
			os.Exit(1)
		}()
	}
}

// freePort is a port on which nothing listens right now.
func freePort(address string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", fmt.Errorf("MASTER_ADDR %s: %w", address, plain(err))
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// prefixer writes whole lines, each with a prefix.
type prefixer struct {
	w      io.Writer
	prefix string
	lock   *sync.Mutex
	rest   []byte
}

// Write implements io.Writer.
func (p *prefixer) Write(data []byte) (int, error) {
	p.rest = append(p.rest, data...)
	for {
		line, rest, whole := bytes.Cut(p.rest, []byte("\n"))
		if !whole {
			return len(data), nil
		}
		p.lock.Lock()
		_, err := fmt.Fprintf(p.w, "%s%s\n", p.prefix, line)
		p.lock.Unlock()
		if err != nil {
			return 0, err
		}
		p.rest = append([]byte(nil), rest...)
	}
}
