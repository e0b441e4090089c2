package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format

	_ "golang.org/x/image/bmp"  // registers the format
	_ "golang.org/x/image/tiff" // registers the format
	_ "golang.org/x/image/webp" // registers the format

	"github.com/icl-msr/icl-msr/internal/jpeg"
	"github.com/icl-msr/icl-msr/transforms"
)

// maxPixels bounds the size of a decoded picture.
const maxPixels = 100 << 20

// decodeFile decodes a file. Errors name it.
func decodeFile(path string, depth Depth16) (transforms.Image, error) {
	data, err := readFile(path)
	if err != nil {
		return transforms.Image{}, err
	}
	p, err := decodeNamed(data, path, nil, depth)
	return p.Image, err
}

// decodeNamed is DecodePart with errors that name the file. If the content is of another format than
// the name says, the error says so.
func decodeNamed(data []byte, name string, need Need, depth Depth16) (transforms.Part, error) {
	p, err := decodePart(data, need, depth)
	var foreign notRead
	is := misnamed(data, name)
	switch {
	case err == nil:
		return p, nil
	case is != "" && errors.As(err, &foreign):
		return transforms.Part{}, fmt.Errorf("%s (%d bytes): %s, which is not read; convert it to %s, or remove it",
			name, len(data), is, readable)
	case is != "":
		err = fmt.Errorf("%s: %w", is, err)
	}
	return transforms.Part{}, fmt.Errorf("%s (%d bytes): %w; replace or remove it", name, len(data), err)
}

// Decode reads a PNG, JPEG, WebP, TIFF or BMP, or the first frame of a GIF, as PIL's
// open(...).convert("RGB") does. Alpha is dropped, EXIF orientation is not applied, chroma is
// interpolated. The content decides the format. 16-bit samples keep their high byte; PIL saturates
// gray ones instead.
func Decode(data []byte) (transforms.Image, error) {
	p, err := DecodePart(data, nil)
	return p.Image, err
}

// Need returns what is needed of a picture of width x height pixels.
type Need func(width, height int) transforms.Needs

// DecodePart decodes the part of a JPEG that is needed, if libjpeg-turbo is there. Other pictures are
// decoded whole, as all are if need is nil. A part that is not shrunk equals that part of the whole
// picture, byte for byte. A JPEG that is cut off below the part that is needed is no error.
func DecodePart(data []byte, need Need) (transforms.Part, error) {
	return decodePart(data, need, High)
}

func decodePart(data []byte, need Need, depth Depth16) (transforms.Part, error) {
	if len(data) == 0 {
		return transforms.Part{}, errors.New("the file is empty")
	}
	if bytes.HasPrefix(data, []byte("\xff\xd8")) && jpeg.Available() {
		return fastJPEG(data, need)
	}
	src, err := decodeImage(data)
	if err != nil {
		return transforms.Part{}, err
	}
	return transforms.Whole(asTIFF(toRGB(src, depth), data)), nil
}

// decodeImage decodes with Go's decoders, without libjpeg-turbo.
func decodeImage(data []byte) (image.Image, error) {
	data = withAdobe(data)
	cfg, format, err := decodeConfig(data)
	if errors.Is(err, image.ErrFormat) {
		return nil, notRead(formatOf(data))
	}
	if err != nil {
		return nil, err
	}
	if err := checkSize(cfg.Width, cfg.Height); err != nil {
		return nil, err
	}
	switch {
	case format == "gif":
		return firstFrame(data, cfg.Width, cfg.Height)
	case format == "webp" && isAnimated(data):
		return firstWebP(data, cfg.Width, cfg.Height)
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err == nil && format == "webp" {
		src = inVideoRange(src)
	}
	return src, err
}

// decodeConfig is image.DecodeConfig that also reads animated WebPs.
func decodeConfig(data []byte) (image.Config, string, error) {
	if formatOf(data) == "WebP" && isAnimated(data) {
		return image.Config{Width: 1 + int(uint24(data[24:])), Height: 1 + int(uint24(data[27:]))}, "webp", nil
	}
	return image.DecodeConfig(bytes.NewReader(data))
}

// notRead is the error of a format that cannot be read. "" is an unknown format.
type notRead string

func (e notRead) Error() string {
	if e == "" {
		return "unknown format; want " + readable
	}
	return article(string(e)) + " is not read; want " + readable
}

// fastJPEG decodes with libjpeg-turbo, as PIL does.
func fastJPEG(data []byte, need Need) (p transforms.Part, err error) {
	h, err := jpeg.ReadHeader(data)
	if err != nil {
		return p, err
	}
	if err := checkSize(h.Width, h.Height); err != nil {
		return p, err
	}
	n := transforms.Needs{Box: transforms.Box{Width: h.Width, Height: h.Height}, Shrink: 1}
	if need != nil {
		n = need(h.Width, h.Height)
	}
	p = transforms.Part{Width: h.Width, Height: h.Height, Box: n.Box, Shrink: n.Shrink}
	r := region(h, &p)
	p.Image = transforms.NewImage(r.Width, r.Height)
	if err := jpeg.Decode(data, h, r, p.Pix); err != nil {
		return transforms.Part{}, err
	}
	return p, nil
}

// region returns the region of the shrunk picture that covers p.Box. It extends p.Box to whole pixels
// of the shrunk picture.
func region(h jpeg.Header, p *transforms.Part) jpeg.Region {
	all := h.Scaled(p.Shrink)
	if p.Box.Width == h.Width && p.Box.Height == h.Height {
		return all
	}
	left, top := p.Box.Left/p.Shrink, p.Box.Top/p.Shrink
	right, bottom := (p.Box.Left+p.Box.Width+p.Shrink-1)/p.Shrink, (p.Box.Top+p.Box.Height+p.Shrink-1)/p.Shrink
	r := jpeg.Region{Shrink: p.Shrink, Left: left, Top: top, Width: right - left, Height: bottom - top}
	p.Box = transforms.Box{Left: left * p.Shrink, Top: top * p.Shrink,
		Width: min(h.Width, right*p.Shrink) - left*p.Shrink, Height: min(h.Height, bottom*p.Shrink) - top*p.Shrink}
	return r
}

func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > maxPixels/height {
		return fmt.Errorf("%dx%d pixels; want 1 to %d in all", width, height, maxPixels)
	}
	return nil
}
