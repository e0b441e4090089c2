package torch_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torch"
)

const timeout = 10 * time.Second

// open opens a rank of a group, with a connection to the store of its own: a rank that waits there blocks the others.
func open(port int, name string, rank, size int) (*torch.Group, error) {
	connection, err := torch.Connect("127.0.0.1", port, timeout)
	if err != nil {
		return nil, err
	}
	store, err := connection.Prefixed(name)
	if err != nil {
		return nil, err
	}
	return torch.NewGroup(store, torch.GroupOptions{
		Backend: "gloo",
		Address: "127.0.0.1",
		Rank:    rank,
		Size:    size,
		Timeout: timeout,
	})
}

// pair opens both ranks of a group in this process.
func pair(t *testing.T, port int, name string) [2]*torch.Group {
	t.Helper()
	var out [2]*torch.Group
	var errs [2]error
	var wg sync.WaitGroup
	for rank := range out {
		wg.Go(func() {
			out[rank], errs[rank] = open(port, name, rank, len(out))
		})
	}
	wg.Wait()
	for rank := range out {
		require.NoError(t, errs[rank])
		t.Cleanup(out[rank].Close)
	}
	return out
}

// shared is the gradient, by w and by v, of a network that meets v after w on the way back: w's gradient is being
// summed over group slow while the sum of v's waits for group gate.
func shared(slow, gate *torch.Group, scale float64) (w, v float64, err error) {
	err = torch.With(func(s *torch.Scope) error {
		leaves := s.Leaves([]tensor{vec(s, 3), vec(s, 2)})
		p := s.Share(slow, leaves[:1], true)[0]
		q := s.Share(gate, leaves[1:], false)[0]
		loss := s.Sum(s.Mul(p, s.Square(s.MulScalar(q, scale))))
		g := s.Grad([]tensor{loss}, leaves, torch.GradOptions{})
		w, v = s.Item(g[0]), s.Item(g[1])
		return s.Err()
	})
	return w, v, err
}

// Two trainers in one process: the gradients of one do not wait for the sums that the other began, and the other's are
// complete when its own call returns.
func TestPendingSumsBelongToTheirGroup(t *testing.T) {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	port := l.Addr().(*net.TCPAddr).Port
	store, err := torch.Serve(l, timeout)
	require.NoError(t, err)
	t.Cleanup(store.Close)
	slow, gate, other := pair(t, port, "slow"), pair(t, port, "gate"), pair(t, port, "other")

	type gradient struct {
		w, v float64
		err  error
	}
	run := func(slow, gate *torch.Group, scale float64) <-chan gradient {
		out := make(chan gradient, 1)
		go func() {
			w, v, err := shared(slow, gate, scale)
			out <- gradient{w, v, err}
		}()
		return out
	}
	first := run(slow[0], gate[0], 1)
	require.Eventually(t, func() bool { return slow[0].Traffic().Calls == 1 && gate[0].Traffic().Calls == 1 },
		5*time.Second, time.Millisecond, "a sum of w's gradient is begun, and that of v's waits")

	// The other trainer, whose ranks are both here, takes a whole step meanwhile.
	a, b := run(other[0], nil, 1), run(other[1], nil, 2)
	for rank, c := range []<-chan gradient{a, b} {
		select {
		case g := <-c:
			require.NoError(t, g.err)
			assert.Equal(t, 4.0+16, g.w, "rank %d", rank)
		case <-time.After(5 * time.Second):
			require.Fail(t, "a gradient waits for the sum of another group", "rank %d", rank)
		}
	}

	second := run(slow[1], gate[1], 2)
	for rank, c := range []<-chan gradient{first, second} {
		g := <-c
		require.NoError(t, g.err)
		assert.Equal(t, gradient{w: 4 + 16, v: 12 + 48}, g, "rank %d", rank)
	}
}
