package datasets

import (
	"encoding/binary"

	"github.com/icl-msr/icl-msr/transforms"
)

// tiffOrientation is how the first picture of a TIFF is to be turned, 2 to 8; 1
// where it is not. Unlike that of a JPEG, PIL applies it when it reads.
func tiffOrientation(data []byte) int {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case formatOf(data) != "TIFF" || len(data) < 8:
		return 1
	case data[0] == 'M':
		order = binary.BigEndian
	}
	at := uint64(order.Uint32(data[4:]))
	if at+2 > uint64(len(data)) {
		return 1
	}
	const entry, orientation = 12, 0x0112
	for k := range uint64(order.Uint16(data[at:])) {
		e := at + 2 + k*entry
		if e+entry > uint64(len(data)) {
			break
		}
		if o := int(order.Uint16(data[e+8:])); order.Uint16(data[e:]) == orientation && o >= 2 && o <= 8 {
			return o
		}
	}
	return 1
}

// oriented turns a picture as the orientations of TIFF and EXIF say.
func oriented(m transforms.Image, orientation int) transforms.Image {
	if orientation == 1 {
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
