package progress

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlainLinesComeAtIntervals(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	p := newProgress(&out, false, "SimCLR", 40, 10, func() time.Time { return clock })
	for range 30 {
		clock = clock.Add(time.Second)
		p.Step(64, "loss 1.0")
	}
	p.Done()
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 3, "the first step, then one every ten seconds")
	assert.Equal(t, "SimCLR loss 1.0 64 images/s, 29s left step 11/40", lines[0])
	assert.True(t, strings.HasSuffix(lines[2], "step 31/40"), lines[2])
	assert.Contains(t, lines[2], "9s left", "the ten steps before the show took no time of it")
	assert.NotContains(t, out.String(), "\x1b")
}

func TestALineDelaysTheNext(t *testing.T) {
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	p := newProgress(&out, false, "x", 9, 0, func() time.Time { return clock })
	clock = clock.Add(time.Second)
	p.Step(1, "a")
	clock = clock.Add(9 * time.Second)
	p.Line("epoch 1")
	clock = clock.Add(2 * time.Second)
	p.Step(1, "b")
	assert.Contains(t, out.String(), "\nepoch 1\n")
	assert.NotContains(t, out.String(), "x b")
}

func TestABarIsDrawnOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, true, "SimCLR", 2, 0, time.Now)
	p.Step(64, "loss 1.0")
	p.Step(64, "loss 0.5")
	p.Done()
	assert.Contains(t, out.String(), "loss 1.0")
	assert.Contains(t, out.String(), " left")
	assert.Contains(t, out.String(), "\r")
	assert.NotContains(t, out.String(), "\x1b[3", "no colours")
}

func TestAFileIsNoTerminal(t *testing.T) { assert.Nil(t, New(&bytes.Buffer{}, "", 1, 0).bar) }
