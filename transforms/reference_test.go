package transforms_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/transforms"
)

func TestReference(t *testing.T) {
	type picture struct {
		Width, Height int
		RGB           []byte
	}
	reference.Each(t, func(t *testing.T, data []byte) (n int) {
		var file struct {
			Pictures []picture
			Cases    []struct {
				picture
				Picture   int
				Op        string
				Params    map[string]any
				Tolerance int
			}
		}
		if json.Unmarshal(data, &file) != nil || len(file.Pictures) == 0 {
			return 0
		}
		for _, c := range file.Cases {
			src := file.Pictures[c.Picture]
			m := transforms.Image{Width: src.Width, Height: src.Height, Pix: src.RGB}.Clone()
			number := func(name string) float64 { return c.Params[name].(float64) }
			switch c.Op {
			case "resized_crop":
				filter := map[any]transforms.Filter{
					"bilinear": transforms.Bilinear,
					"bicubic":  transforms.Bicubic,
				}[c.Params["interpolation"]]
				box := transforms.Box{
					Left:   int(number("left")),
					Top:    int(number("top")),
					Width:  int(number("width")),
					Height: int(number("height")),
				}
				m = transforms.ResizedCrop(m, box, int(number("out_width")), int(number("out_height")), filter)
			case "horizontal_flip":
				transforms.HorizontalFlip(m)
			case "brightness":
				transforms.Brightness(m, number("factor"))
			case "contrast":
				transforms.Contrast(m, number("factor"))
			case "saturation":
				transforms.Saturation(m, number("factor"))
			case "hue":
				transforms.Hue(m, number("factor"))
			case "grayscale":
				transforms.Grayscale(m)
			case "gaussian_blur":
				transforms.GaussianBlur(m, int(number("kernel")), number("sigma"))
			case "auto_contrast":
				transforms.AutoContrast(m)
			case "equalize":
				transforms.Equalize(m)
			case "invert":
				transforms.Invert(m)
			case "posterize":
				transforms.Posterize(m, int(number("bits")))
			case "solarize_add":
				transforms.SolarizeAdd(m, uint8(number("add")))
			case "sharpness":
				transforms.Sharpness(m, number("factor"))
			case "rotate":
				transforms.Rotate(m, number("degrees"))
			case "affine":
				var matrix [6]float64
				for i, v := range c.Params["matrix"].([]any) {
					matrix[i] = v.(float64)
				}
				transforms.Affine(m, matrix)
			case "solarize":
				transforms.Solarize(m, uint8(number("threshold")))
			default:
				t.Logf("operation %q is not known yet", c.Op)
				continue
			}
			n++
			require.Equal(t, []int{c.Width, c.Height}, []int{m.Width, m.Height}, c.Op)
			require.Len(t, m.Pix, len(c.RGB))
			worst := 0
			for i, v := range m.Pix {
				worst = max(worst, int(v)-int(c.RGB[i]), int(c.RGB[i])-int(v))
			}
			require.LessOrEqual(t, worst, c.Tolerance, "%s %v of picture %d", c.Op, c.Params, c.Picture)
			if worst > 0 {
				t.Logf("%s %v of picture %d: off by %d", c.Op, c.Params, c.Picture, worst)
			}
		}
		return n
	})
}
