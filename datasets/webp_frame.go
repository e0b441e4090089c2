package datasets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"golang.org/x/image/webp"

	"github.com/icl-msr/icl-msr/transforms"
)

// placed is a frame on a larger canvas, which is black elsewhere.
type placed struct {
	image.Image
	left, top, width, height int
}

func (p placed) rgb() transforms.Image {
	frame, whole := toRGB(p.Image, High), transforms.NewImage(p.width, p.height)
	for y := range frame.Height {
		copy(whole.Pix[3*((p.top+y)*p.width+p.left):], frame.Pix[3*y*frame.Width:][:3*frame.Width])
	}
	return whole
}

// isAnimated reports whether a WebP is animated.
func isAnimated(data []byte) bool {
	const animation = 2
	return len(data) > 30 && string(data[12:16]) == "VP8X" && data[20]&animation != 0
}

// firstWebP decodes the first frame of an animated WebP onto the whole canvas, as PIL does.
func firstWebP(data []byte, width, height int) (image.Image, error) {
	frame, ok := riffChunk(data[12:], "ANMF")
	if !ok || len(frame) < 24 {
		return nil, errors.New("webp: no frame")
	}
	src, err := webp.Decode(bytes.NewReader(asStill(frame)))
	if err != nil {
		return nil, err
	}
	p := placed{inVideoRange(src), 2 * int(uint24(frame)), 2 * int(uint24(frame[3:])), width, height}
	if b := src.Bounds(); p.left+b.Dx() > width || p.top+b.Dy() > height {
		return nil, errors.New("webp: a frame outside of the picture")
	}
	return p, nil
}

// asStill returns a frame as a WebP file. A frame with alpha needs a header that says so.
func asStill(frame []byte) []byte {
	body := frame[16:]
	if bytes.HasPrefix(body, []byte("ALPH")) {
		body = append(append([]byte("VP8X\x0a\x00\x00\x00\x10\x00\x00\x00"), frame[6:12]...), body...)
	}
	out := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(body)))
	return append(append(out, "WEBP"...), body...)
}

// riffChunk returns the content of the first chunk with the given name.
func riffChunk(data []byte, name string) ([]byte, bool) {
	for len(data) >= 8 {
		n := uint64(binary.LittleEndian.Uint32(data[4:]))
		if n > uint64(len(data)-8) {
			return nil, false
		}
		if string(data[:4]) == name {
			return data[8 : 8+n], true
		}
		data = data[min(uint64(len(data)), 8+n+n%2):]
	}
	return nil, false
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
