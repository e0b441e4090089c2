package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

func TestACheckpointThatIsAskedForComesAtTheNextStep(t *testing.T) {
	asked := &atomic.Bool{}
	ctx := train.WithSaves(context.Background(), asked)
	asked.Store(true)
	var o, e bytes.Buffer
	dir := filepath.Join(t.TempDir(), "run")
	status := execute(ctx, program{&o, &e}, small("--epochs", "1", "--save-after", "0", "--out", dir))
	require.Zero(t, status, e.String())
	assert.Equal(t, 1, strings.Count(e.String(), "saved at epoch 0, batch 1, as asked by SIGUSR1\n"), e.String())
}

// running starts a long run as a process of its own and waits for its first checkpoint.
func running(t *testing.T, before string, more ...string) (p *exec.Cmd, said *speech, out string) {
	// A child ignores the signals that this process ignores, as under nohup. It has the default for signals that this
	// process handles.
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	dir := t.TempDir()
	out = filepath.Join(dir, "run")
	p, said = exec.Command("sh", append([]string{"-c", before + `exec "$0" "$@"`, os.Args[0]},
		long(dir, more...)...)...), &speech{}
	p.Env, p.Stderr = append(os.Environ(), asProgram+"=1"), said
	require.NoError(t, p.Start())
	late := time.AfterFunc(2*time.Minute, func() { _ = p.Process.Kill() }) // a run that ignores the signal never ends
	t.Cleanup(func() { late.Stop(); _ = p.Process.Kill() })
	require.Eventually(t, func() bool { return outfile.Exists(runfolder.Last(out)) }, time.Minute, time.Millisecond)
	return p, said, out
}

func TestSignalsOfARun(t *testing.T) {
	p, said, out := running(t, "")
	require.NoError(t, p.Process.Signal(syscall.SIGUSR1))
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "as asked by SIGUSR1") }, 20*time.Second,
		time.Millisecond, said)
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	_ = p.Process.Signal(syscall.SIGHUP) // a terminal that closes sends it twice
	_ = p.Wait()
	assert.Equal(t, exitInterrupted, p.ProcessState.ExitCode(), said.String())
	assert.Contains(t, said.String(), "saved; --resume continues")
	_, err := train.Load(runfolder.Last(out))
	assert.NoError(t, err)

	p, said, _ = running(t, "trap '' HUP; ") // nohup
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.NoError(t, p.Process.Signal(syscall.SIGUSR1))
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "as asked by SIGUSR1") }, 20*time.Second,
		time.Millisecond, said)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	_ = p.Wait()
	assert.Equal(t, exitInterrupted, p.ProcessState.ExitCode(), said.String())
}

func TestSignalsOfAJob(t *testing.T) {
	p, said, _ := running(t, "", "--nproc-per-node", "2", "--dist-timeout", "20s")
	require.NoError(t, p.Process.Signal(syscall.SIGUSR1))
	require.Eventually(t, func() bool { return strings.Contains(said.String(), "as asked by SIGUSR1") }, 20*time.Second,
		time.Millisecond, said)
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	_ = p.Wait()
	assert.Equal(t, exitInterrupted, p.ProcessState.ExitCode(), said.String())
	assert.Equal(t, 1, strings.Count(said.String(), "run: interrupted"), said.String())
}

// Ctrl-C arrives before a job trains, and its ranks then do various things.
func TestCtrlCBeforeAJobTrains(t *testing.T) {
	for _, after := range []time.Duration{100, 300, 500, 700, 900, 1200} {
		p, said := start(t, long(t.TempDir(), "--nproc-per-node", "2")...)
		time.Sleep(after * time.Millisecond)
		at := time.Now()
		require.NoError(t, p.Process.Signal(os.Interrupt))
		_ = p.Wait()
		status := p.ProcessState.ExitCode()
		if p.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGINT { // before Go's code runs
			status = exitInterrupted
		}
		assert.Equal(t, exitInterrupted, status, "after %d ms: %s", after, said)
		assert.Less(t, time.Since(at), 8*time.Second, "after %d ms: %s", after, said)
		assert.NotContains(t, said.String(), "stopped", "after %d ms", after)
	}
}

// A stopped rank ends the command soon after the others gave up waiting for it. Their message is printed once.
func TestAStoppedRankEndsTheCommand(t *testing.T) {
	for stopped := range 2 {
		p, said, out := running(t, "", "--nproc-per-node", "2", "--dist-timeout", "4s")
		for _, pid := range children(t, p.Process.Pid) {
			if environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); strings.Contains(string(environ),
				fmt.Sprintf("\x00RANK=%d\x00", stopped)) {
				require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
			}
		}
		at := time.Now()
		_ = p.Wait()
		assert.Less(t, time.Since(at), 14*time.Second)
		assert.Equal(t, exitFailure, p.ProcessState.ExitCode())
		assert.Equal(t, 1, strings.Count(said.String(), fmt.Sprintf("rank %d does not answer", stopped)), said.String())
		assert.Equal(t, 1, strings.Count(said.String(), "run: "), said.String())
		_, err := train.Load(runfolder.Last(out))
		assert.NoError(t, err)
	}
}

func TestAnErrorOfAllRanksIsPrintedOnce(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	p, said := start(t, small("--nproc-per-node", "2", "--dataset", "folder", "--data-dir", nowhere, "--out", nowhere)...)
	_ = p.Wait()
	assert.Equal(t, exitFailure, p.ProcessState.ExitCode())
	assert.Equal(t, 1, strings.Count(said.String(), nowhere), said.String())
	assert.Contains(t, said.String(), "run: ")
}
