package nets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/torch"
)

// Scripted is a backbone whose code is a TorchScript module. It maps pictures [N, 3, H, W] to features [N, Dim] or [N,
// Dim, 1, 1]. Its parameters start from those in the file. Batch norm and the like follow the module's training flag,
// which is set if the mode is Training. Buffers keep what the code writes to them only if the mode Updates.
type Scripted struct {
	script          *torch.Script
	params, buffers []Spec
	dim             int64
}

// LoadScripted reads a TorchScript file for pictures of the given side. One evaluation tells the number of features.
func LoadScripted(path string, side int64, device gotch.Device) (*Scripted, error) {
	script, err := torch.LoadScript(path, device)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no file %s: a TorchScript backbone's code is in its file alone, "+
			"checkpoints hold its parameters: put it back there", path)
	}
	if err != nil {
		return nil, err
	}
	if n := script.AlwaysBatch; n > 0 {
		return nil, fmt.Errorf("%s: %d of its batch norms always take the batch's statistics, "+
			"since it was traced in training mode: use torch.jit.script, or trace it after .eval()", path, n)
	}
	r := &Scripted{script: script}
	err = torch.With(func(s *torch.Scope) error {
		p, b := script.Tensors(s)
		r.params, r.buffers = r.specs(s, script.Parameters, p, 0), r.specs(s, script.Buffers, b, len(p))
		defer torch.SetGrad(false)()
		var y torch.Tensor
		x := s.Zeros(torch.Options{DType: gotch.Float, Device: device}, 2, 3, side, side)
		if len(p) > 0 {
			x = s.To(x, s.Like(p[0]))
		}
		y = s.Run(script, p, b, x, false, false)
		shape := s.Shape(y)
		if err := s.Err(); err != nil {
			return fmt.Errorf("%s, on pictures of %dx%d: %w", path, side, side, err)
		}
		flat := len(shape) == 4 && shape[2] == 1 && shape[3] == 1
		if len(shape) != 2 && !flat || shape[0] != 2 {
			return fmt.Errorf("%s gives %v for pictures [2 3 %d %d]; want [2 d], a row of features for each",
				path, shape, side, side)
		}
		r.dim = shape[1]
		return nil
	})
	return r, err
}

// specs describes tensors of the module, the first of which is its tensor number first. They start from their values.
func (r *Scripted) specs(s *torch.Scope, names []string, ts []torch.Tensor, first int) []Spec {
	out := make([]Spec, len(ts))
	for i, t := range ts {
		out[i] = Spec{names[i], s.Shape(t), Given(func(s *torch.Scope) torch.Tensor {
			p, b := r.script.Tensors(s)
			return append(p, b...)[first+i]
		})}
	}
	return out
}

// Params implements Network.
func (r *Scripted) Params() []Spec { return r.params }

// Buffers implements Network.
func (r *Scripted) Buffers() []Spec { return r.buffers }

// Dim implements Encoder.
func (r *Scripted) Dim() int64 { return r.dim }

// Trainable is an error if the network cannot be trained.
func (r *Scripted) Trainable() error {
	if len(r.params) == 0 {
		return errors.New("the TorchScript module has no parameters (torch.jit.freeze makes constants of them): " +
			"it can be evaluated, not trained; save it without freezing")
	}
	return nil
}

// AlwaysRunning is the number of batch norms that use the running statistics in training, too. torch.jit.trace after
// .eval() writes such.
func (r *Scripted) AlwaysRunning() int { return r.script.AlwaysRunning }

// Write writes the module at the given parameters and buffers as TorchScript.
func (r *Scripted) Write(w io.Writer, p, b []torch.Tensor) error { return r.script.Write(w, p, b) }

// Forward implements Network.
func (r *Scripted) Forward(s *torch.Scope, p, b []torch.Tensor, x torch.Tensor, m Mode) torch.Tensor {
	if !Check(s, "TorchScript module", r.params, p) || !Check(s, "TorchScript module's buffers", r.buffers, b) {
		return torch.Tensor{}
	}
	if m.rows > 0 && m.rows < s.Size(x, 0) {
		s.Fail(errors.New("nets: a TorchScript module cannot take its statistics from some rows only"))
		return torch.Tensor{}
	}
	y := s.Run(r.script, p, b, x, m.batch, m.update)
	return s.Reshape(y, -1, r.dim)
}
