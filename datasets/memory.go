package datasets

import "github.com/icl-msr/icl-msr/transforms"

// memory is a data set of small pictures, all in memory.
type memory struct {
	name    string
	classes []string
	labels  []int // -1 without one
	images  []transforms.Image
}

func (d *memory) Name() string                          { return d.name }
func (d *memory) Len() int                              { return len(d.images) }
func (d *memory) Classes() []string                     { return d.classes }
func (d *memory) Label(i int) int                       { return d.labels[i] }
func (d *memory) Image(i int) (transforms.Image, error) { return d.images[i], nil }

// planes interleaves a red, a green and a blue plane of width x height pixels,
// row by row, or column by column where columns is set.
func planes(p []byte, width, height int, columns bool) transforms.Image {
	m := transforms.NewImage(width, height)
	size := width * height
	for y := range height {
		for x := range width {
			from := y*width + x
			if columns {
				from = x*height + y
			}
			q := m.Pix[3*(y*width+x):]
			q[0], q[1], q[2] = p[from], p[size+from], p[2*size+from]
		}
	}
	return m
}
