package losses_test

import (
	"encoding/json"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
	"github.com/icl-msr/icl-msr/internal/reference"
	"github.com/icl-msr/icl-msr/losses"
)

type referenceCase struct {
	Loss   string
	Params map[string]float64
	Inputs map[string]reference.Array
	Value  float64
	Grads  map[string]reference.Array
}

// known are the losses of this package by their names in the reference files.
func known(s *libtorch.Scope, c referenceCase, in map[string]libtorch.Tensor) (libtorch.Tensor, bool) {
	switch c.Loss {
	case "nt_xent":
		return losses.NTXent(s, losses.Local(in["z1"], in["z2"]), c.Params["tau"]), true
	case "do":
		return losses.Do(s, losses.Local(in["z1"], in["z2"]), in["weights"], c.Params["tau"]), true
	case "weight_uniformity":
		return losses.WeightUniformity(s, in["weights"], c.Params["t"]), true
	}
	return libtorch.Tensor{}, false
}

func TestReference(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	reference.Each(t, func(t *testing.T, data []byte) (n int) {
		var file struct {
			RTol  float64
			Cases []referenceCase
		}
		if json.Unmarshal(data, &file) != nil {
			return 0
		}
		for _, c := range file.Cases {
			if c.Loss == "" {
				continue
			}
			s := libtorch.NewScope()
			in := map[string]libtorch.Tensor{}
			for name, a := range c.Inputs {
				in[name] = libtorch.FromSlice(s, a.Data, gotch.CPU, a.Shape...)
			}
			for name := range c.Grads {
				s.SetRequiresGrad(true, in[name])
			}
			loss, ok := known(s, c, in)
			if !ok {
				t.Logf("loss %q is not known yet", c.Loss)
				require.NoError(t, s.Close())
				continue
			}
			n++
			reference.Near(t, []float64{c.Value}, []float64{s.Item(loss)}, file.RTol, c.Loss)
			for name, want := range c.Grads {
				g := s.Grad([]libtorch.Tensor{loss}, []libtorch.Tensor{in[name]}, libtorch.GradOptions{RetainGraph: true})
				reference.Near(t, want.Data, libtorch.Slice[float64](s, g[0]), file.RTol, c.Loss+" by "+name)
			}
			require.NoError(t, s.Close())
		}
		return n
	})
}
