// Package transforms has the augmentations of contrastive learning: picture by picture on the CPU, or in
// batches on a device. They equal torchvision's on PIL within a grey level or two
// (testdata/reference/transforms.json).
package transforms

import "fmt"

// Image is an 8-bit RGB picture.
type Image struct {
	Width, Height int
	Pix           []uint8 // [Height, Width, 3] in row-major order: red, green, blue
}

// NewImage returns a black picture of the given size in pixels.
func NewImage(width, height int) Image {
	return Image{Width: width, Height: height, Pix: make([]uint8, width*height*3)}
}

// Clone returns a copy that shares no memory with m.
func (m Image) Clone() Image {
	c := m
	c.Pix = append([]uint8(nil), m.Pix...)
	return c
}

// Validate returns an error unless the size is positive and Pix has exactly Width*Height*3 bytes.
func (m Image) Validate() error {
	if m.Width <= 0 || m.Height <= 0 || len(m.Pix) != m.Width*m.Height*3 {
		return fmt.Errorf(
			"a picture of %dx%d pixels with %d bytes; want %d",
			m.Width,
			m.Height,
			len(m.Pix),
			m.Width*m.Height*3,
		)
	}
	return nil
}

// Box is a rectangle in pixels: columns Left to Left+Width-1, rows Top to Top+Height-1.
type Box struct{ Left, Top, Width, Height int }
