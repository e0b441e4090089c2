package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// rank is a process of a job, started as torchrun would start it.
type rank struct {
	p    *exec.Cmd
	errs *speech
	end  chan error
}

// speech is the output of a process, which can be read while it runs.
type speech struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (s *speech) Write(p []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.text.Write(p)
}

func (s *speech) String() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.text.String()
}

func port(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// startRank starts rank r of n. The test's end kills it if it still runs.
func startRank(t *testing.T, r, n int, port string, args ...string) *rank {
	return startProcess(t, os.Args[0],
		[]string{fmt.Sprintf("RANK=%d", r), fmt.Sprintf("WORLD_SIZE=%d", n), "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + port},
		args...)
}

// startProcess starts a program in an environment of its own.
func startProcess(t *testing.T, program string, environ []string, args ...string) *rank {
	k := &rank{p: exec.Command(program, args...), errs: &speech{}, end: make(chan error, 1)}
	k.p.Env = append(append(os.Environ(), asProgram+"=1"), environ...)
	k.p.Stderr = k.errs
	require.NoError(t, k.p.Start())
	go func() { k.end <- k.p.Wait() }()
	t.Cleanup(func() { _ = k.p.Process.Kill() })
	return k
}

// ends waits until the process ends, and returns its status and its last line.
func (k *rank) ends(t *testing.T, within time.Duration) (status int, last string) {
	t.Helper()
	select {
	case <-k.end:
	case <-time.After(within):
		_ = k.p.Process.Kill()
		<-k.end
		require.Fail(t, "does not end", k.errs.String())
	}
	lines := strings.Split(strings.TrimSpace(k.errs.String()), "\n")
	return k.p.ProcessState.ExitCode(), lines[len(lines)-1]
}

// job starts n ranks with the same arguments.
func job(t *testing.T, n int, args ...string) []*rank {
	at, ranks := port(t), make([]*rank, n)
	for r := range ranks {
		ranks[r] = startRank(t, r, n, at, args...)
	}
	return ranks
}

// near compares checkpoints of float32 runs.
func near(t *testing.T, a, b string, tolerance float64) {
	want, got := tensors(t, a), tensors(t, b)
	require.Equal(t, len(want), len(got))
	for name, x := range want {
		if !strings.HasSuffix(name, ".weight") && !strings.HasSuffix(name, "running_var") {
			continue // the gradient of a bias before a batch norm is only rounding
		}
		for i := 0; i+4 <= len(x); i += 4 {
			u := math.Float32frombits(binary.LittleEndian.Uint32(x[i:]))
			v := math.Float32frombits(binary.LittleEndian.Uint32(got[name][i:]))
			if math.Abs(float64(u-v)) > tolerance {
				require.Failf(t, "differs", "%s: %g and %g", name, u, v)
			}
		}
	}
}

// One process, two that the program starts, and two started as by torchrun train the same network. The last two are
// interrupted, and resumed as four and then as one.
func TestARunDoesNotDependOnTheNumberOfProcesses(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	args := func(name string, more ...string) []string {
		return append(small("--msr", "--optimizer", "sgd", "--lr", "0.005", "--save-after", "1ns", "--out", at(name)),
			more...)
	}
	status, _, errs := do(args("one")...)
	require.Zero(t, status, errs)

	p, said := start(t, args("two", "--nproc-per-node", "2")...)
	require.NoError(t, p.Wait(), said.String())
	near(t, at("one"), at("two"), 1e-4)
	assert.Contains(t, said.String(), "2 processes, 8 pictures of a step on each")
	assert.Equal(t, 1, strings.Count(said.String(), "epoch 2/2"), "rank 0 speaks")
	a, err := train.ReadMetrics(at("one"))
	require.NoError(t, err)
	b, err := train.ReadMetrics(at("two"))
	require.NoError(t, err)
	for i := range a {
		assert.InDelta(t, a[i].Value("l_to"), b[i].Value("l_to"), 1e-4)
		assert.Equal(t, a[i].Value("steps"), b[i].Value("steps"))
	}

	two := job(t, 2, args("cut")...)
	require.Eventually(t, func() bool { return outfile.Exists(runfolder.Last(at("cut"))) }, time.Minute, time.Millisecond)
	require.NoError(t, two[1].p.Process.Signal(syscall.SIGTERM)) // one gets the signal, all stop
	for _, k := range two {
		status, last := k.ends(t, time.Minute)
		assert.Equal(t, exitInterrupted, status, last)
	}
	four := job(t, 4, args("cut", "--resume")...)
	require.Eventually(t, func() bool { return strings.Contains(four[0].errs.String(), "resumed") }, time.Minute,
		time.Millisecond)
	for _, k := range four {
		_ = k.p.Process.Signal(os.Interrupt) // it may be done already
	}
	for _, k := range four {
		status, last := k.ends(t, time.Minute)
		assert.Contains(t, []int{0, exitInterrupted}, status, last)
	}
	status, _, errs = do(args("cut", "--resume")...)
	require.Zero(t, status, errs)
	near(t, at("one"), at("cut"), 1e-4)
}

// long returns the flags of a run that does not end soon.
func long(dir string, more ...string) []string {
	return small(append([]string{"--epochs", "100000", "--save-after", "1ns", "--out", filepath.Join(dir, "run")},
		more...)...)
}

// If a rank is killed, stopped or fails, the others end within the timeout and name it. The checkpoint is complete.
func TestALostRankEndsTheJob(t *testing.T) {
	for _, c := range []struct {
		name   string
		rank   int
		signal syscall.Signal
	}{{"killed", 1, syscall.SIGKILL}, {"stopped", 2, syscall.SIGSTOP}, {"the first killed", 0, syscall.SIGKILL}} {
		dir := t.TempDir()
		ranks := job(t, 3, long(dir, "--batch-size", "15", "--dist-timeout", "4s")...)
		last := runfolder.Last(filepath.Join(dir, "run"))
		require.Eventually(t, func() bool { return outfile.Exists(last) }, time.Minute, time.Millisecond)
		require.NoError(t, ranks[c.rank].p.Process.Signal(c.signal))
		for r, k := range ranks {
			if r == c.rank {
				continue
			}
			status, said := k.ends(t, 30*time.Second)
			assert.Equal(t, exitFailure, status, "%s: %s", c.name, said)
			assert.Contains(t, said, fmt.Sprintf("rank %d does not answer", c.rank), c.name)
			assert.Contains(t, said, fmt.Sprintf("run: rank %d: stopped", r))
		}
		_, err := train.Load(last)
		assert.NoError(t, err, "the checkpoint is whole")
	}
}

// A signal to the program that started the ranks stops all of them. If one rank is killed, all end, and an error names
// it.
func TestSpawnedProcessesEndTogether(t *testing.T) {
	dir := t.TempDir()
	last := runfolder.Last(filepath.Join(dir, "run"))
	run := func(more ...string) (*exec.Cmd, *bytes.Buffer) {
		p, said := start(t, long(dir, append(more, "--nproc-per-node", "2", "--dist-timeout", "20s")...)...)
		require.Eventually(t, func() bool { return outfile.Exists(last) }, time.Minute, time.Millisecond)
		return p, said
	}
	p, said := run()
	require.NoError(t, p.Process.Signal(os.Interrupt))
	_ = p.Wait() // its state is looked at
	assert.Equal(t, exitInterrupted, p.ProcessState.ExitCode(), said.String())
	assert.Contains(t, said.String(), "interrupted at epoch")

	p, said = run("--resume")
	child := func(rank int) int {
		for _, pid := range children(t, p.Process.Pid) {
			environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)) // it may just begin or end
			if strings.Contains(string(environ), fmt.Sprintf("\x00RANK=%d\x00", rank)) {
				return pid
			}
		}
		return 0
	}
	require.Eventually(t, func() bool { return child(1) != 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, syscall.Kill(child(1), syscall.SIGKILL))
	_ = p.Wait()
	assert.Equal(t, exitFailure, p.ProcessState.ExitCode(), said.String())
	assert.Contains(t, said.String(), "run: rank 1 ended (signal: killed), so all were ended")
	_, err := train.Load(last)
	assert.NoError(t, err)
}

// children lists a process's children.
func children(t *testing.T, pid int) (out []int) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	if len(tasks) == 0 {
		t.Skip("this system does not list a process's children")
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // a thread may have ended
		for _, word := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(word)
			require.NoError(t, err)
			out = append(out, n)
		}
	}
	return out
}
