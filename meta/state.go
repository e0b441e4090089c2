package meta

import (
	"fmt"

	"github.com/icl-msr/icl-msr/model"
	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// State is all that a run changes: what a checkpoint holds.
type State struct {
	*model.Model
	MSR             *nets.MSR      // nil without MSR
	Theta, Buffers  []torch.Tensor // of the model: parameters, running statistics
	ModelState      []torch.Tensor // target network, queue and the like
	Phi, PhiBuffers []torch.Tensor // of f_msr
	ThetaOpt        nets.Optimizer // of Theta
	PhiOpt          nets.Optimizer // of Phi; nil without MSR
	Position        Position       // what is next
	options         torch.Options
	seed            uint64
	pending         pending // steps whose figures are not in Position's sums yet
}

// Position says where in Algorithm 1 a run is: the next batch to do.
type Position struct {
	Epoch     int   `json:"epoch"`
	Phase     Phase `json:"pass"`
	Batch     int   `json:"batch"`
	Step      int   `json:"step"`          // regular steps done in all
	MetaSteps int   `json:"meta_steps"`    // meta steps done in all
	Sums      Sums  `json:"sums"`          // of the epoch so far
	ThetaOpt  int64 `json:"theta_updates"` // steps of the optimizer
	PhiOpt    int64 `json:"phi_updates"`
}

// StateOptions describe a new state.
type StateOptions struct {
	Model     *model.Model
	MSR       *nets.MSR            // nil without MSR
	Optimizer nets.OptimizerConfig // of theta; f_msr's is Adam
	Seed      uint64               // of the initialisation, and of methods' random choices
	Options   torch.Options        // dtype and device
}

// NewState initialises a run's parameters, into s. theta depends on the seed alone: runs with and without MSR start
// from the same theta.
func NewState(s *torch.Scope, o StateOptions) (*State, error) {
	st := &State{Model: o.Model, MSR: o.MSR, options: o.Options, seed: o.Seed}
	if err := torch.ManualSeed(o.Seed); err != nil {
		return nil, err
	}
	st.Theta = nets.Initialize(s, o.Model.Params(), o.Options)
	st.Buffers = nets.Initialize(s, o.Model.Buffers(), o.Options)
	st.ModelState = o.Model.InitialState(s, st.Theta, st.Buffers, o.Options)
	var err error
	if st.ThetaOpt, err = nets.NewSteady(s, o.Optimizer, o.Model.Params(), st.Theta, o.Model.Steady()); err != nil {
		return nil, err
	}
	if o.MSR != nil {
		if err := torch.ManualSeed(o.Seed ^ 0x6d7372); err != nil {
			return nil, err
		}
		st.Phi = nets.Initialize(s, o.MSR.Params(), o.Options)
		st.PhiBuffers = nets.Initialize(s, o.MSR.Buffers(), o.Options)
		if st.PhiOpt, err = nets.NewOptimizer(s, nets.OptimizerConfig{Name: "adam"}, o.MSR.Params(), st.Phi); err != nil {
			return nil, err
		}
	}
	return st, s.Err()
}

// Tensors lists all tensors of the state by their names in a checkpoint: "backbone.…", "projector.…" and so on for
// theta, "target.backbone.…" for the target network, "msr.…" for f_msr, "optimizer.…" for the optimizers.
func (st *State) Tensors() []nets.NamedTensor {
	var out []nets.NamedTensor
	add := func(prefix string, specs []nets.Spec, ts []torch.Tensor) {
		for i, spec := range specs {
			out = append(out, nets.NamedTensor{Name: prefix + spec.Name, Tensor: ts[i]})
		}
	}
	optimizer := func(prefix string, o nets.Optimizer) {
		ts, _ := o.State()
		for _, t := range ts {
			out = append(out, nets.NamedTensor{Name: prefix + t.Name, Tensor: t.Tensor})
		}
	}
	add("", st.Params(), st.Theta)
	add("", st.Model.Buffers(), st.Buffers)
	add("", st.Model.State(), st.ModelState)
	if st.MSR != nil {
		add("msr.", st.MSR.Params(), st.Phi)
		add("msr.", st.MSR.Buffers(), st.PhiBuffers)
		optimizer("optimizer.msr.", st.PhiOpt)
	}
	optimizer("optimizer.", st.ThetaOpt)
	return out
}

// Encoder lists the backbone's tensors: all that evaluation needs.
func (st *State) Encoder() []nets.NamedTensor {
	np, nb := len(st.Backbone.Params()), len(st.Backbone.Buffers())
	var out []nets.NamedTensor
	for i, spec := range st.Params()[:np] {
		out = append(out, nets.NamedTensor{Name: spec.Name, Tensor: st.Theta[i]})
	}
	for i, spec := range st.Model.Buffers()[:nb] {
		out = append(out, nets.NamedTensor{Name: spec.Name, Tensor: st.Buffers[i]})
	}
	return out
}

// Options are the dtype and device of the state's tensors.
func (st *State) Options() torch.Options { return st.options }

// Mark brings Position up to date, for saving. Its error is Settle's: the state must not be saved then.
func (st *State) Mark() (Position, error) {
	if err := st.Settle(); err != nil {
		return Position{}, err
	}
	_, st.Position.ThetaOpt = st.ThetaOpt.State()
	if st.PhiOpt != nil {
		_, st.Position.PhiOpt = st.PhiOpt.State()
	}
	return st.Position, nil
}

// Restore resumes at a saved position.
func (st *State) Restore(p Position) {
	st.dropLate()
	st.pending = pending{}
	st.Position = p
	st.ThetaOpt.SetSteps(p.ThetaOpt)
	if st.PhiOpt != nil {
		st.PhiOpt.SetSteps(p.PhiOpt)
	}
}

// Features maps pictures to the backbone's pooled features, with running statistics: what evaluation uses.
func (st *State) Features(s *torch.Scope, x torch.Tensor) torch.Tensor {
	np, nb := len(st.Backbone.Params()), len(st.Backbone.Buffers())
	var h torch.Tensor
	torch.NoGrad(func() { h = st.Backbone.Forward(s, st.Theta[:np], st.Buffers[:nb], x, nets.Eval()) })
	return h
}

// Weights returns A for pictures x, by f_msr with running statistics.
func (st *State) Weights(s *torch.Scope, x torch.Tensor) (torch.Tensor, error) {
	if st.MSR == nil {
		return torch.Tensor{}, fmt.Errorf("meta: this run has no f_msr")
	}
	var a torch.Tensor
	torch.NoGrad(func() { a = st.MSR.Forward(s, st.Phi, st.PhiBuffers, x, nets.Eval()) })
	return a, s.Err()
}
