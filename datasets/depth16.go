package datasets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
	"slices"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/transforms"
)

// Depth16 is a way to convert samples of 16 bits to 8. PIL's convert("RGB") takes the high byte of
// coloured samples and makes gray samples above 255 white.
type Depth16 string

// The ways from 16 bits to 8.
const (
	High       Depth16 = "high"       // the high byte; "" means High
	Scale      Depth16 = "scale"      // from the picture's least sample to its greatest
	Percentile Depth16 = "percentile" // from its 1st percentile to its 99th; samples beyond are black or white
)

// Depths16 lists the ways.
func Depths16() []string { return []string{string(High), string(Scale), string(Percentile)} }

func (d Depth16) check() error {
	if d != "" && !slices.Contains(Depths16(), string(d)) {
		return field.Errorf("{datasets.Depth16}: %w", suggest.Unknown("way", string(d), Depths16()))
	}
	return nil
}

// samples16 is samples for big-endian samples of 16 bits. All channels are scaled alike.
func samples16(m transforms.Image, pix []uint8, stride, step int, at [3]int, depth Depth16) {
	if depth == "" || depth == High {
		samples(m, pix, stride, step, at)
		return
	}
	levels := count16(m, pix, stride, step, at)
	low, high := bounds16(levels, depth)
	eight := func(p []uint8) uint8 {
		v := int(binary.BigEndian.Uint16(p))
		return uint8((255*(min(max(v, low), high)-low) + (high-low)/2) / max(1, high-low))
	}
	out := m.Pix
	for y := range m.Height {
		for x := range m.Width {
			p := pix[y*stride+x*step:]
			out[0], out[1], out[2] = eight(p[at[0]:]), eight(p[at[1]:]), eight(p[at[2]:])
			out = out[3:]
		}
	}
}

// count16 returns the histogram of the samples.
func count16(m transforms.Image, pix []uint8, stride, step int, at [3]int) []int {
	levels := make([]int, 1<<16)
	for y := range m.Height {
		for x := range m.Width {
			p := pix[y*stride+x*step:]
			for _, a := range at {
				levels[binary.BigEndian.Uint16(p[a:])]++
			}
		}
	}
	return levels
}

// bounds16 returns the samples that become black and white.
func bounds16(levels []int, depth Depth16) (low, high int) {
	all, beyond := 0, 0
	for _, n := range levels {
		all += n
	}
	if depth == Percentile {
		beyond = all / 100
	}
	for n := levels[0]; n <= beyond && low < len(levels)-1; n += levels[low] {
		low++
	}
	high = len(levels) - 1
	for n := levels[high]; n <= beyond && high > low; n += levels[high] {
		high--
	}
	return low, high
}

const (
	sampledPictures = 8  // pictures that are looked at, for their depth
	minLevels       = 64 // gray levels, below which that is worth a word
)

// noteFewLevels tells where 16 bits are cut to so few levels that it can hardly be meant,
// as those of 12-bit cameras and of medical scans are, by a look at some pictures.
func noteFewLevels(ds Dataset, depth Depth16) []string {
	raw, ok := ds.(rawReader)
	if !ok || depth != "" && depth != High {
		return nil
	}
	n := min(ds.Len(), sampledPictures)
	for k := range n {
		i := k * ds.Len() / n
		high, err := high16(raw, i)
		if err == nil && high > 0 && high>>8 < minLevels {
			return []string{fmt.Sprintf("%s has samples of 16 bits, none above %d: the high byte keeps %d gray levels of them; "+
				"depth16 scale keeps them all", PictureName(ds, i), high, high>>8+1)}
		}
	}
	return nil
}

// high16 is the greatest sample of a picture of 16 bits; 0 of others.
func high16(ds rawReader, i int) (int, error) {
	r, size, err := ds.raw(i)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	head := make([]byte, min(size, 4096))
	if _, err := io.ReadFull(r, head); err != nil || !maybe16(head) || size > maxMember {
		return 0, err
	}
	rest, err := io.ReadAll(io.LimitReader(r, size-int64(len(head))))
	if err != nil {
		return 0, err
	}
	data := append(head, rest...)
	cfg, _, err := image.DecodeConfig(bytes.NewReader(data))
	models := []color.Model{color.Gray16Model, color.RGBA64Model, color.NRGBA64Model}
	if err != nil || !slices.Contains(models, cfg.ColorModel) {
		return 0, err
	}
	src, err := decodeImage(data)
	if err != nil {
		return 0, err
	}
	return greatest16(src), nil
}

// maybe16 reports that a file begins as one that may have samples of 16 bits.
func maybe16(head []byte) bool {
	format := formatOf(head)
	return format == "TIFF" || format == "PNG" && len(head) > 24 && head[24] == 16
}
