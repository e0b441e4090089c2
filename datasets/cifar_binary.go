package datasets

import "fmt"

const cifarPixels = 3 * cifarSide * cifarSide

// parseBinary appends the records of one file of the binary version. A record is the label bytes and
// the red, green and blue planes of 32x32 pixels.
func (c cifar) parseBinary(d *memory, data []byte) error {
	record := c.labelBytes + cifarPixels
	if rest := len(data) % record; rest != 0 || len(data) == 0 {
		return fmt.Errorf(
			"truncated at offset %d: %d bytes are not a whole number of records of %d; fetch it again",
			len(data)-rest,
			len(data),
			record,
		)
	}
	for at := 0; at < len(data); at += record {
		label := int(data[at+c.labelBytes-1])
		if label >= c.classes {
			return fmt.Errorf(
				"label %d at offset %d; want 0 to %d: not a file of %s, or a damaged one",
				label,
				at+c.labelBytes-1,
				c.classes-1,
				c.name,
			)
		}
		d.labels, d.images = append(
			d.labels,
			label,
		), append(
			d.images,
			planes(data[at+c.labelBytes:at+record], cifarSide, cifarSide, false),
		)
	}
	return nil
}
