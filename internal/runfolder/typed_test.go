package runfolder

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestValuesAreTypedAsFlags(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{0.1, "give --x=0.1"}, {"none", "give --x=none"}, {[]any{50, 25}, "give --x=50,25"}, {[]any{}, "leave --x out"},
		{map[string]any{"view_norm": 2, "head_last": 1}, "give --x=head_last=1,view_norm=2"},
		{map[string]any{}, "leave --x out"},
	} {
		assert.Equal(t, c.want, remedy("x", c.value))
	}
}
