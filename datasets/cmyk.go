package datasets

import (
	"bytes"
	"image"

	"github.com/icl-msr/icl-msr/transforms"
)

// fromCMYK converts to RGB with PIL's rounding.
func fromCMYK(m transforms.Image, s *image.CMYK) {
	out := m.Pix
	for y := range m.Height {
		row := s.Pix[y*s.Stride:]
		for x := range m.Width {
			p := row[4*x : 4*x+4]
			white := 255 - int(p[3])
			for c := range 3 {
				t := int(p[c])*white + 128
				out[c] = uint8(white - (t+t>>8)>>8)
			}
			out = out[3:]
		}
	}
}

// withAdobe adds Adobe's marker to a CMYK JPEG that lacks it, since the standard library requires it.
// As in PIL, all CMYK JPEGs are taken to be inverted, as Adobe's are.
func withAdobe(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte("\xff\xd8")) {
		return data
	}
	for at := 2; at+10 < len(data) && data[at] == 0xff; {
		marker, size := data[at+1], int(data[at+2])<<8|int(data[at+3])
		switch {
		case marker == 0xff: // a fill byte
			at++
			continue
		case marker == 0xee, marker == 0xda:
			return data
		case marker >= 0xc0 && marker <= 0xc2 && data[at+9] == 4:
			return append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]...)
		}
		at += 2 + size
	}
	return data
}
