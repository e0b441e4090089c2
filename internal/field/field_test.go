package field_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/icl-msr/icl-msr/internal/field"
)

func flags(key string) string {
	return map[string]string{"meta.Gamma": "--gamma", "meta.NumWeights": "--weights"}[key]
}

func TestALibraryNamesItsFieldsAndACommandItsFlags(t *testing.T) {
	for _, c := range []struct {
		err          error
		own, flagged string
	}{
		{field.Errorf("{meta.Gamma} %g: want 0 or more", -1.0), "Gamma -1: want 0 or more", "--gamma -1: want 0 or more"},
		{field.Errorf("{meta.NumWeights} 1: use 2, or {meta.Gamma} 0"), "NumWeights 1: use 2, or Gamma 0",
			"--weights 1: use 2, or --gamma 0"},
		{fmt.Errorf("arm 2: %w", field.Errorf("{meta.Gamma} is odd")), "arm 2: Gamma is odd", "arm 2: --gamma is odd"},
		{field.Errorf("{nets.Width} 0: too narrow"), "Width 0: too narrow", "Width 0: too narrow"},
		{field.Errorf("{meta.Gamma} %q: no number", "{meta.Gamma}"),
			`Gamma "{meta.Gamma}": no number`, `--gamma "{meta.Gamma}": no number`},
		{field.Errorf("{nets.Width}: %w", field.Errorf("{meta.Gamma} is odd")), "Width: Gamma is odd",
			"Width: --gamma is odd"},
		{errors.Join(field.Errorf("{meta.Gamma} 1"), field.Errorf("{meta.NumWeights} 2")), "Gamma 1\nNumWeights 2",
			"--gamma 1\n--weights 2"},
		{errors.New("{meta.Gamma}"), "{meta.Gamma}", "{meta.Gamma}"},
	} {
		assert.Equal(t, c.own, c.err.Error())
		assert.Equal(t, c.flagged, field.Text(c.err, flags))
		assert.Equal(t, c.flagged, field.Named(c.err, flags).Error())
		assert.ErrorIs(t, field.Named(c.err, flags), c.err)
	}
}

func TestACauseIsKept(t *testing.T) {
	err := fmt.Errorf("open: %w", field.Errorf("{datasets.Dir} x: %w", fs.ErrNotExist))
	assert.ErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorAs(t, err, new(*field.Error))
}
