package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// listening lists the addresses, without ports, at which a process waits for connections.
func listening(t *testing.T, pid int) (out []string) {
	inodes := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	for _, link := range links {
		to, _ := os.Readlink(link) // it may be closed by now
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // without IPv6
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			// sl local_address rem_address st ... uid timeout inode
			w := strings.Fields(lines.Text())
			if len(w) < 10 || w[3] != "0A" || !inodes[w[9]] {
				continue
			}
			address, _, _ := strings.Cut(w[1], ":")
			raw, err := hex.DecodeString(address)
			require.NoError(t, err)
			for i := 0; i+4 <= len(raw); i += 4 { // words of this machine's order
				slices.Reverse(raw[i : i+4])
			}
			out = append(out, net.IP(raw).String())
		}
	}
	return out
}

// Rank 0's store, and each rank, listen only at the job's address.
func TestAJobListensOnItsAddressAlone(t *testing.T) {
	dir := t.TempDir()
	ranks := job(t, 2, long(dir, "--dist-timeout", "20s")...)
	require.Eventually(t, func() bool { return outfile.Exists(runfolder.Last(filepath.Join(dir, "run"))) }, time.Minute,
		time.Millisecond)
	for r, k := range ranks {
		at := listening(t, k.p.Process.Pid)
		assert.NotEmpty(t, at, "rank %d", r)
		for _, ip := range at {
			assert.Equal(t, "127.0.0.1", ip, "rank %d", r)
		}
	}
	assert.Len(t, listening(t, ranks[0].p.Process.Pid), len(listening(t, ranks[1].p.Process.Pid))+1,
		"the store is rank 0's")
}
