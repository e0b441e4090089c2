package launch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// childVariable is set for processes that Spawn started.
const childVariable = "ICLMSR_SPAWNED"

// Exit is the error of processes that ended with a status other than 0, and have
// told why.
type Exit struct {
	Status  int
	Message string // what they cannot have told; may be empty
}

func (e *Exit) Error() string { return e.Message }

// grace is how long the other ranks have to end by themselves after one did, and
// then after they were told to.
const grace = 12 * time.Second

// Spawn runs this program with the arguments n times on this machine, as the
// ranks of one job that talk over the loopback, or MASTER_ADDR. Rank 0 has the
// output given; of the others errors are shown, with their rank. When ctx ends
// all are interrupted. Where one rank ends otherwise than well, the others are
// ended, and the error names it.
func Spawn(ctx context.Context, n int, args []string, stdout, stderr io.Writer) error {
	ranks, err := prepare(n, args, stdout, stderr)
	if err != nil {
		return err
	}
	type end struct {
		rank  int
		state *os.ProcessState
	}
	ends := make(chan end, n)
	started := 0
	for r, p := range ranks {
		if err = p.Start(); err != nil {
			break
		}
		started++
		go func() {
			_ = p.Wait() // its state tells more than the error
			ends <- end{r, p.ProcessState}
		}()
	}
	signal := func(s syscall.Signal) {
		for _, p := range ranks[:started] {
			_ = p.Process.Signal(s) // who has ended needs none
		}
	}
	if err != nil {
		signal(syscall.SIGKILL)
		return err
	}
	var first *end
	var deadline <-chan time.Time
	interrupted, last := ctx.Done(), syscall.SIGTERM
	for left := n; left > 0; {
		select {
		case e := <-ends:
			left--
			if first == nil && !e.state.Success() {
				first, deadline = &e, time.After(grace)
			}
		case <-interrupted:
			interrupted = nil
			signal(syscall.SIGINT)
		case <-deadline:
			signal(last)
			last, deadline = syscall.SIGKILL, time.After(grace)
		}
	}
	if first == nil {
		return nil
	}
	out := &Exit{Status: first.state.ExitCode()}
	if out.Status < 0 { // by a signal
		out.Status, out.Message = 1, fmt.Sprintf("rank %d ended (%s), so all were ended", first.rank, first.state)
	}
	return out
}

// prepare makes the commands.
func prepare(n int, args []string, stdout, stderr io.Writer) ([]*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, port := os.Getenv("MASTER_ADDR"), os.Getenv("MASTER_PORT")
	if address == "" {
		address = "127.0.0.1"
	}
	if port == "" {
		if port, err = freePort(address); err != nil {
			return nil, err
		}
	}
	lock := &sync.Mutex{}
	ranks := make([]*exec.Cmd, n)
	for r := range ranks {
		p := exec.Command(program, args...)
		p.Env = append(os.Environ(), childVariable+"=1", "MASTER_ADDR="+address, "MASTER_PORT="+port, fmt.Sprintf("RANK=%d", r), fmt.Sprintf("LOCAL_RANK=%d", r),
			fmt.Sprintf("WORLD_SIZE=%d", n), fmt.Sprintf("LOCAL_WORLD_SIZE=%d", n))
		p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's Ctrl-C comes by this process alone
		if _, err := p.StdinPipe(); err != nil {            // it closes when this process ends, however it does
			return nil, err
		}
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

// Follow ends this process when the one that spawned it does.
func Follow() {
	if Spawned() {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // until it is closed
			os.Exit(1)
		}()
	}
}

// freePort is one that nothing listens on right now.
func freePort(address string) (string, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return "", fmt.Errorf("MASTER_ADDR %s: %w", address, plain(err))
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port), nil
}

// prefixer writes whole lines with a prefix.
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
