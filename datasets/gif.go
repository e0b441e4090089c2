package datasets

import (
	"bytes"
	"image"
	"image/gif"
)

// firstFrame decodes the first frame of a GIF onto the whole canvas, as PIL does. Pixels outside of the
// frame have the transparent colour, or the first colour of the palette. Transparent pixels have the
// colour that the palette gives them.
func firstFrame(data []byte, width, height int) (image.Image, error) {
	opaque, clear := withoutTransparency(data)
	src, err := gif.Decode(bytes.NewReader(opaque))
	if err != nil {
		return nil, err
	}
	frame, ok := src.(*image.Paletted)
	if !ok || frame.Rect == image.Rect(0, 0, width, height) {
		return src, nil
	}
	if clear >= len(frame.Palette) {
		clear = 0
	}
	whole := image.NewPaletted(image.Rect(0, 0, width, height), frame.Palette)
	for i := range whole.Pix {
		whole.Pix[i] = uint8(clear)
	}
	left := frame.Rect.Min.X
	for y := frame.Rect.Min.Y; y < frame.Rect.Max.Y; y++ {
		copy(whole.Pix[whole.PixOffset(left, y):], frame.Pix[frame.PixOffset(left, y):][:frame.Rect.Dx()])
	}
	return whole, nil
}

// withoutTransparency clears the transparency flag of the first frame, since the standard library
// would replace the transparent colour by black. It also returns that colour's index, or 0.
func withoutTransparency(data []byte) (opaque []byte, clear int) {
	at := 13
	if len(data) > at && data[10]&0x80 != 0 {
		at += 3 << (1 + data[10]&7)
	}
	const extension, control = 0x21, 0xf9
	for at+6 < len(data) && data[at] == extension {
		if data[at+1] == control && data[at+2] == 4 && data[at+3]&1 != 0 {
			clear = int(data[at+6])
			data = bytes.Clone(data)
			data[at+3] &^= 1
		}
		for at += 2; at < len(data) && data[at] != 0; {
			at += 1 + int(data[at])
		}
		at++
	}
	return data, clear
}
