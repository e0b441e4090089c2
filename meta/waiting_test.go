package meta

import (
	"context"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"
)

// late is a source that was waited for so long in all.
type late struct{ waited *time.Duration }

func (late) Steps() int              { return 1 }
func (l late) Waited() time.Duration { return *l.waited }
func (late) Batches(context.Context, uint64, int, int) iter.Seq2[HostBatch, error] {
	return nil
}

// On the CPU a phase waits as long as its source is waited for while it runs, no longer.
func TestAPhaseWaitsAsLongAsItsSource(t *testing.T) {
	waited := 5 * time.Second // before this phase
	w := newWaiting(gotch.CPU, late{&waited})
	var sum float64
	for range 3 {
		waited += 250 * time.Millisecond
		w.arrived()
		w.uploaded()
		w.stepped()
		s, err := w.take()
		require.NoError(t, err)
		sum += s
	}
	assert.Equal(t, 0.75, sum)
	rest, err := w.rest()
	require.NoError(t, err)
	assert.Zero(t, rest, "each step once")
	(*waiting)(nil).uploaded() // what is brought to the device outside of a phase
}
