package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/train"
)

// Two hosts are network namespaces with a cable between them, which is then cut. No connection is closed; there is only
// silence. Each end names the other within the timeout. Neither listens at any address but the job's.
func TestACutCableEndsTheJob(t *testing.T) {
	ip := func(args ...string) error { return exec.Command("ip", args...).Run() }
	hosts, addresses := []string{"iclmsr-a", "iclmsr-b"}, []string{"10.77.31.1", "10.77.31.2"}
	if os.Getuid() != 0 || ip("netns", "add", hosts[0]) != nil {
		t.Skip("network namespaces cannot be made here")
	}
	t.Cleanup(func() { _, _ = ip("netns", "del", hosts[0]), ip("netns", "del", hosts[1]) })
	require.NoError(t, ip("netns", "add", hosts[1]))
	if ip("link", "add", "va", "netns", hosts[0], "type", "veth", "peer", "name", "vb", "netns", hosts[1]) != nil {
		t.Skip("virtual cables cannot be made here")
	}
	for i, end := range []string{"va", "vb"} {
		require.NoError(t, ip("-n", hosts[i], "addr", "add", addresses[i]+"/24", "dev", end))
		require.NoError(t, ip("-n", hosts[i], "link", "set", end, "up"))
		require.NoError(t, ip("-n", hosts[i], "link", "set", "lo", "up"))
	}
	dir := t.TempDir()
	ranks := make([]*rank, 2)
	for r := range ranks {
		k := &rank{p: exec.Command("ip",
			append([]string{"netns", "exec", hosts[r], os.Args[0]}, long(dir, "--dist-timeout", "6s")...)...), errs: &speech{},
			end: make(chan error, 1)}
		k.p.Env = append(os.Environ(), asProgram+"=1", "WORLD_SIZE=2", "RANK="+[]string{"0", "1"}[r],
			"MASTER_ADDR="+addresses[0], "MASTER_PORT=29500")
		k.p.Stderr = k.errs
		require.NoError(t, k.p.Start())
		go func() { k.end <- k.p.Wait() }()
		t.Cleanup(func() { _ = k.p.Process.Kill() })
		ranks[r] = k
	}
	last := runfolder.Last(filepath.Join(dir, "run"))
	require.Eventually(t, func() bool { return outfile.Exists(last) }, time.Minute, time.Millisecond)
	for r, host := range hosts {
		out, err := exec.Command("ip", "netns", "exec", host, "ss", "-ltnH").Output()
		if err == nil {
			assert.NotContains(t, string(out), "0.0.0.0:29500")
			assert.NotRegexp(t, `(0\.0\.0\.0|\[::\]|\*):\d+ +(0\.0\.0\.0|\[::\]|\*):`, string(out),
				"nothing listens on all addresses of host %d", r)
			assert.Contains(t, string(out), addresses[r]+":")
		}
	}
	require.NoError(t, ip("-n", hosts[1], "link", "set", "vb", "down"))
	for r, k := range ranks {
		status, said := k.ends(t, 40*time.Second)
		assert.Equal(t, exitFailure, status, said)
		assert.Contains(t, said, []string{"rank 0: stopped: rank 1 does not answer",
			"rank 1: stopped: rank 0 does not answer"}[r])
	}
	_, err := train.Load(last)
	assert.NoError(t, err, "the checkpoint is whole")
}
