package dist

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatRanksSayAlikeIsPrintedOnce(t *testing.T) {
	for _, c := range []struct {
		name       string
		told, want []string
		lost       bool
	}{
		{"nothing", []string{"", ""}, nil, false},
		{"all the same", []string{"no data", "no data", "no data"}, []string{"no data"}, false},
		{"rank 0 failed", []string{"disk full", "rank 1: stopped: rank 0 failed: disk full"}, []string{"disk full"}, false},
		{"rank 1 failed", []string{"rank 0: stopped: rank 1 failed: no data", "no data"},
			[]string{"rank 0: stopped: rank 1 failed: no data"}, false},
		{"two errors", []string{"no data", "no memory"}, []string{"no data", "no memory"}, false},
		{"one stopped", []string{"rank 0: stopped: rank 2 does not answer", "rank 1: stopped: rank 2 does not answer", ""},
			[]string{"rank 0: stopped: rank 2 does not answer"}, false},
		{"one killed", []string{"rank 0: stopped: rank 2 does not answer", "rank 1: stopped: rank 2 does not answer", ""},
			nil, true},
	} {
		assert.Equal(t, c.want, once(c.told, c.lost), c.name)
	}
}
