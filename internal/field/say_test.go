package field_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/field"
)

// speaker is a writer whose readers know flags.
type speaker struct{ bytes.Buffer }

func (*speaker) NameOf(key string) string { return map[string]string{"meta.Gamma": "--gamma"}[key] }

func TestAWriterNamesSettings(t *testing.T) {
	var plain bytes.Buffer
	var named speaker
	err := fmt.Errorf("epoch 1: %w", field.Errorf("{meta.Gamma} %g with {meta.Radius}", -1.0))
	assert.Equal(t, "epoch 1: Gamma -1 with Radius", field.Say(&plain, err))
	assert.Equal(t, "epoch 1: --gamma -1 with Radius", field.Say(&named, err))
	assert.Equal(t, "other", field.Say(&named, errors.New("other")))
	_, failed := field.Fprintf(&named, "note: {meta.Gamma} of %s: %v\n", "a", err)
	require.NoError(t, failed)
	assert.Equal(t, "note: --gamma of a: epoch 1: --gamma -1 with Radius\n", named.String())
	_, failed = field.Fprintf(&plain, "note: {meta.Gamma} of %s: %v\n", "a", err)
	require.NoError(t, failed)
	assert.Equal(t, "note: Gamma of a: epoch 1: Gamma -1 with Radius\n", plain.String())
}
