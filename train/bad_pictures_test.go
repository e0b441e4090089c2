package train

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHowManyPicturesMayBeDamaged(t *testing.T) {
	for all, want := range map[int]int{1: 1, 8: 1, 12: 1, 20: 2, 99: 9, 100: 10, 1000: 10, 50_000: 500} {
		assert.Equal(t, want, tolerated(all), all)
	}
	b := &badPictures{w: &strings.Builder{}, all: 12, seen: map[int]bool{}}
	require.NoError(t, b.bad(3, os.ErrInvalid))
	require.NoError(t, b.bad(3, os.ErrInvalid), "seen before")
	assert.ErrorContains(t, b.bad(4, os.ErrInvalid), "2 of 12 pictures cannot be read")
	assert.Equal(t, "7 of 8 (none of class a)", PictureCount{7, 8, []string{"a"}}.String())
}
