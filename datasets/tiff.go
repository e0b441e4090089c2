package datasets

import (
	"encoding/binary"

	"github.com/icl-msr/icl-msr/transforms"
)

// Tags of a TIFF that the decoder ignores or handles differently from PIL.
const (
	tagCompression = 259
	tagPhotometric = 262
	tagOrientation = 274
)

// asTIFF finishes a decoded TIFF as PIL does; it returns other pictures as they are. It inverts a fax
// whose photometric tag says that 0 is black. It applies the orientation, which PIL does not do for a
// JPEG.
func asTIFF(m transforms.Image, data []byte) transforms.Image {
	if formatOf(data) != "TIFF" {
		return m
	}
	const fax3, fax4, blackIsZero = 3, 4, 1
	if c := tiffTag(data, tagCompression); (c == fax3 || c == fax4) && tiffTag(data, tagPhotometric) == blackIsZero {
		for i := range m.Pix {
			m.Pix[i] = 255 - m.Pix[i]
		}
	}
	return oriented(m, tiffTag(data, tagOrientation))
}

// tiffTag returns the value of a short tag of the first picture, or -1 if there is none.
func tiffTag(data []byte, tag uint16) int {
	var order binary.ByteOrder = binary.LittleEndian
	if data[0] == 'M' {
		order = binary.BigEndian
	}
	if len(data) < 8 {
		return -1
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return -1
	}
	const entry = 12
	for k := range uint64(order.Uint16(data[at:])) {
		e := at + 2 + k*entry
		if e+entry > uint64(len(data)) {
			break
		}
		if order.Uint16(data[e:]) == tag {
			return int(order.Uint16(data[e+8:]))
		}
	}
	return -1
}

// oriented applies an orientation of TIFF or EXIF to a picture.
func oriented(m transforms.Image, orientation int) transforms.Image {
	if orientation < 2 || orientation > 8 {
		return m
	}
	out := transforms.NewImage(m.Width, m.Height)
	if orientation >= 5 {
		out = transforms.NewImage(m.Height, m.Width)
	}
	right, bottom := m.Width-1, m.Height-1
	for y := range out.Height {
		for x := range out.Width {
			from := [2]int{}
			switch orientation {
			case 2:
				from = [2]int{right - x, y}
			case 3:
				from = [2]int{right - x, bottom - y}
			case 4:
				from = [2]int{x, bottom - y}
			case 5:
				from = [2]int{y, x}
			case 6:
				from = [2]int{y, bottom - x}
			case 7:
				from = [2]int{right - y, bottom - x}
			case 8:
				from = [2]int{right - y, x}
			}
			copy(out.Pix[3*(y*out.Width+x):][:3], m.Pix[3*(from[1]*m.Width+from[0]):])
		}
	}
	return out
}
