package main

import (
	"bytes"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

const asProgram = "ICLMSR_TEST_AS_PROGRAM"

// TestMain lets the test binary run as the program, so that it can be killed.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

func start(t *testing.T, args ...string) (p *exec.Cmd, errs *bytes.Buffer) {
	p, errs = exec.Command(os.Args[0], args...), &bytes.Buffer{}
	p.Env, p.Stderr = append(os.Environ(), asProgram+"=1"), errs
	// A shell ignores Ctrl-C for its background processes. A child inherits that unless its parent catches the signal.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt)
	defer signal.Stop(caught)
	require.NoError(t, p.Start())
	return p, errs
}

// The run is killed at several moments, some of them while a checkpoint is being written (one is written at every
// step), and resumed each time.
func TestKilledAndResumedEqualsUninterrupted(t *testing.T) {
	dir := t.TempDir()
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	status, _, errs := do(small("--msr", "--out", whole)...)
	require.Zero(t, status, errs)
	args := small("--msr", "--out", cut, "--save-after", "1ns")
	for kill := range 5 {
		p, _ := start(t, args...)
		require.Eventually(t, func() bool { return outfile.Exists(runfolder.Last(cut)) }, time.Minute, time.Millisecond)
		time.Sleep(time.Duration(13*kill) * time.Millisecond)
		require.NoError(t, p.Process.Kill())
		_ = p.Wait() // it was killed, or done just before
		if kill == 0 {
			args = append(args, "--resume")
		}
	}
	p, said := start(t, args...)
	require.NoError(t, p.Wait(), said.String())
	require.Equal(t, tensors(t, whole), tensors(t, cut))
	left, err := os.ReadDir(filepath.Dir(runfolder.Last(cut)))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing half-written stays")
}
