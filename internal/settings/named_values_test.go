package settings

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Messages show options as a user types them.
func TestOptionsArePrintedAsTyped(t *testing.T) {
	o := NamedValues{"view_norm": 2, "head_layers": 3}
	assert.Equal(t, "head_layers=3,view_norm=2", fmt.Sprint(o))
	var again NamedValues
	require.NoError(t, again.Set(fmt.Sprint(o)))
	assert.Equal(t, o, again)
}
