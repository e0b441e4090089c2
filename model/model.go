package model

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Names of parts that have a meaning beyond a method's own.
const (
	BackbonePart  = "backbone"
	ProjectorPart = "projector"
)

// Part is a named network of a model.
type Part struct {
	Name string
	Net  nets.Encoder
}

// Networks are what a method puts on a backbone.
type Networks struct {
	Online []Part      // trained by gradient: the backbone, the projector, then others
	Target bool        // backbone and projector have a target network, their moving average
	State  []nets.Spec // further tensors that training moves without a gradient, as a queue
	Dim    int64       // width of the embeddings that are compared; 0: the projector's
	// ViewNorm says which views pass the networks together.
	ViewNorm ViewNorm
	Steady   []string // online parts whose learning rate no schedule changes
}

// Model is a method on a backbone: functions of explicit parameters, buffers
// and state. Its online parameters are theta, the backbone's first.
type Model struct {
	Method
	Backbone, Projector nets.Encoder

	networks               Networks
	spans                  map[string]span
	params, buffers, state []nets.Spec
	target                 int // tensors of the state that are the target network's
}

// span is where a part's parameters and buffers lie in the model's.
type span struct {
	net            nets.Network
	p, np, b, nb   int
	target, buffer int // in the state; -1 without a target
}

// New puts a method, of this package or of the caller's own, on a backbone,
// of package nets or of the caller's own.
func New(method Method, backbone nets.Encoder) (*Model, error) {
	networks, err := method.Networks(backbone)
	if err != nil {
		return nil, fmt.Errorf("method %s: %w", method.Name(), err)
	}
	m := &Model{Method: method, networks: networks, spans: map[string]span{}}
	var target, running []nets.Spec
	for _, part := range m.networks.Online {
		p, b := part.Net.Params(), part.Net.Buffers()
		at := span{part.Net, len(m.params), len(p), len(m.buffers), len(b), -1, -1}
		m.params = append(m.params, nets.Prefix(part.Name, p)...)
		m.buffers = append(m.buffers, nets.Prefix(part.Name, b)...)
		if m.networks.Target && (part.Name == BackbonePart || part.Name == ProjectorPart) {
			at.target, at.buffer = len(target), len(running)
			target = append(target, nets.Prefix("target."+part.Name, p)...)
			running = append(running, nets.Prefix("target."+part.Name, b)...)
		}
		switch part.Name {
		case BackbonePart:
			m.Backbone = part.Net
		case ProjectorPart:
			m.Projector = part.Net
		}
		m.spans[part.Name] = at
	}
	m.target = len(target)
	m.state = append(append(target, running...), m.networks.State...)
	return m, nil
}

// Params describes theta.
func (m *Model) Params() []nets.Spec { return m.params }

// Buffers describes theta's running statistics.
func (m *Model) Buffers() []nets.Spec { return m.buffers }

// State describes what training moves without a gradient: the target network's
// parameters and running statistics, then the method's own.
func (m *Model) State() []nets.Spec { return m.state }

// Parts names the networks: the backbone first, the target network and the
// method's own state last.
func (m *Model) Parts() []string {
	var out []string
	for _, part := range m.networks.Online {
		out = append(out, part.Name)
	}
	if m.networks.Target {
		out = append(out, "target")
	}
	for _, spec := range m.networks.State {
		out = append(out, spec.Name)
	}
	return out
}

// PartParams is the stretch of theta, or of gradients by theta, that belongs to an
// online part; empty for a part that the model does not have.
func (m *Model) PartParams(part string, theta []torch.Tensor) []torch.Tensor {
	at := m.spans[part]
	return theta[at.p : at.p+at.np : at.p+at.np]
}

// local is how many of theta are the backbone's and the projector's: they are the
// first.
func (m *Model) local() (n int) {
	for _, part := range []string{BackbonePart, ProjectorPart} {
		n = max(n, m.spans[part].p+m.spans[part].np)
	}
	return n
}

// HasTarget reports whether there is a target network.
func (m *Model) HasTarget() bool { return m.networks.Target }

// InitialState returns a new run's state: the target network equals the online
// one, the rest is as its specs say.
func (m *Model) InitialState(s *torch.Scope, theta, buffers []torch.Tensor, o torch.Options) []torch.Tensor {
	state := nets.Initialize(s, m.state, o)
	if s.Err() != nil {
		return nil
	}
	for _, at := range m.spans {
		if at.target < 0 {
			continue
		}
		for i := range at.np {
			s.Copy(state[at.target+i], theta[at.p+i])
		}
		for i := range at.nb {
			s.Copy(state[m.target+at.buffer+i], buffers[at.b+i])
		}
	}
	return state
}
