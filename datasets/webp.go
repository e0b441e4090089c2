package datasets

import (
	"image"

	"github.com/icl-msr/icl-msr/transforms"
)

// videoYCbCr has the planes of a lossy WebP: 4:2:0 in the video range of 16 to 235. image.YCbCr is in
// the range of JPEG, 0 to 255.
type videoYCbCr struct{ *image.YCbCr }

// inVideoRange marks the planes of a WebP as being in the video range.
func inVideoRange(src image.Image) image.Image {
	switch s := src.(type) {
	case *image.YCbCr:
		return &videoYCbCr{s}
	case *image.NYCbCrA:
		return &videoYCbCr{&s.YCbCr}
	}
	return src
}

// rgb converts as libwebp does, which PIL uses. Chroma is interpolated between the four nearest samples
// with libwebp's order of rounding.
func (s *videoYCbCr) rgb(m transforms.Image) {
	half := (m.Width + 1) / 2
	cb, cr := make([]int, 2*half), make([]int, 2*half)
	last := (m.Height+1)/2 - 1
	out := m.Pix
	for y := range m.Height {
		near := y / 2
		far := min(max(near+2*(y%2)-1, 0), last)
		upsampleVideo(cb, s.Cb[near*s.CStride:][:half], s.Cb[far*s.CStride:][:half])
		upsampleVideo(cr, s.Cr[near*s.CStride:][:half], s.Cr[far*s.CStride:][:half])
		for x, luma := range s.Y[y*s.YStride:][:m.Width] {
			l := int(luma) * 19077 >> 8
			out[0] = clip14(l + cr[x]*26149>>8 - 14234)
			out[1] = clip14(l - cb[x]*6419>>8 - cr[x]*13320>>8 + 8708)
			out[2] = clip14(l + cb[x]*33050>>8 - 17685)
			out = out[3:]
		}
	}
}

// upsampleVideo writes a row of chroma at twice its width, from the nearer and the farther row.
func upsampleVideo(dst []int, near, far []uint8) {
	n := len(near)
	edge := func(k int) int { return (3*int(near[k]) + int(far[k]) + 2) >> 2 }
	dst[0], dst[2*n-1] = edge(0), edge(n-1)
	for x := 1; x < n; x++ {
		a, b, c, d := int(near[x-1]), int(near[x]), int(far[x-1]), int(far[x])
		sum := a + b + c + d + 8
		dst[2*x-1] = ((sum+2*(b+c))>>3 + a) >> 1
		dst[2*x] = ((sum+2*(a+d))>>3 + b) >> 1
	}
}

// clip14 converts a fixed-point value with 6 fractional bits to 0 to 255.
func clip14(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
