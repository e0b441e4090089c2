// Package ranktest runs a test in several processes, which are the ranks of one job: the test binary starts itself
// again.
package ranktest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torch"
)

// Names of the environment variables that tell a rank its place.
const (
	rankVariable = "RANKTEST_RANK"
	sizeVariable = "RANKTEST_SIZE"
	portVariable = "RANKTEST_PORT"
)

// Timeout is that of an operation between ranks, and of joining.
const Timeout = 60 * time.Second

// Run runs f as each rank of a job of n processes with one thread each, for each n in sizes. It must be the first
// statement of a test.
func Run(t *testing.T, sizes []int, f func(t *testing.T, g *torch.Group)) {
	if rank := os.Getenv(rankVariable); rank != "" {
		asRank(t, number(t, rankVariable), number(t, sizeVariable), number(t, portVariable), f)
		return
	}
	for _, n := range sizes {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		port := l.Addr().(*net.TCPAddr).Port
		store, err := torch.Serve(l, Timeout)
		require.NoError(t, err)
		var wg sync.WaitGroup
		out, errs := make([][]byte, n), make([]error, n)
		for rank := range n {
			only := "-test.run=^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
			p := exec.Command(os.Args[0], only, "-test.count=1", "-test.timeout=5m", "-test.v")
			p.Env = append(os.Environ(), "OMP_NUM_THREADS=1", fmt.Sprintf("%s=%d", rankVariable, rank),
				fmt.Sprintf("%s=%d", sizeVariable, n), fmt.Sprintf("%s=%d", portVariable, port))
			wg.Go(func() { out[rank], errs[rank] = p.CombinedOutput() })
		}
		wg.Wait()
		store.Close()
		for rank := range n {
			if errs[rank] != nil || testing.Verbose() {
				t.Logf("rank %d of %d:\n%s", rank, n, out[rank])
			}
			if errs[rank] != nil {
				t.Errorf("rank %d of %d: %v", rank, n, errs[rank])
			}
		}
	}
}

func number(t *testing.T, name string) int {
	n, err := strconv.Atoi(os.Getenv(name))
	require.NoError(t, err, name)
	return n
}

func asRank(t *testing.T, rank, size, port int, f func(t *testing.T, g *torch.Group)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	require.NoError(t, torch.SetThreads(1))
	store, err := torch.Connect("127.0.0.1", port, Timeout)
	require.NoError(t, err)
	defer store.Close()
	g, err := torch.NewGroup(store, torch.GroupOptions{
		Backend: "gloo",
		Address: "127.0.0.1",
		Rank:    rank,
		Size:    size,
		Timeout: Timeout,
	})
	require.NoError(t, err)
	f(t, g)
	// A rank that is done waits for the others, which may still read data that it sent.
	require.NoError(t, g.Barrier())
	g.Close()
}
