package model

import (
	"fmt"

	"github.com/icl-msr/icl-msr/nets"
	"github.com/icl-msr/icl-msr/torch"
)

// Names of parts that the engine knows. Other names are a method's own.
const (
	BackbonePart  = "backbone"
	ProjectorPart = "projector"
)

// encoderParts are the parts that take a rank's own pictures and that a target network copies.
func encoderParts() []string { return []string{BackbonePart, ProjectorPart} }

func isEncoder(part string) bool { return part == BackbonePart || part == ProjectorPart }

// Part is a named network of a model.
type Part struct {
	Name string
	Net  nets.Encoder
}

// Networks are what a method puts on a backbone.
type Networks struct {
	Online   []Part      // trained by gradient: the backbone, the projector, then others as a predictor
	Target   bool        // backbone and projector have a target network, their moving average
	State    []nets.Spec // further tensors that training moves without a gradient, as a queue
	Dim      int64       // width of the compared embeddings; 0: the projector's
	ViewNorm ViewNorm    // which views a batch norm normalises together
	Steady   []string    // online parts whose learning rate no schedule changes
}

// Model is a method on a backbone: functions of explicit parameters, buffers and state. Its online parameters are
// called theta; the backbone's are the first.
type Model struct {
	Method
	Backbone, Projector nets.Encoder

	networks               Networks
	spans                  map[string]span
	params, buffers, state []nets.Spec
}

// span says where a part's tensors are in the model's.
type span struct {
	net             nets.Network
	params, buffers stretch
	target, running stretch // the target network's parameters and buffers in the state; empty without one
}

// stretch is part of a list.
type stretch struct{ start, end int }

func (r stretch) of(ts []torch.Tensor) []torch.Tensor { return ts[r.start:r.end:r.end] }

func (r stretch) from(offset int) stretch { return stretch{r.start + offset, r.end + offset} }

// add appends specs to a list and returns where they are.
func add(list *[]nets.Spec, specs []nets.Spec) stretch {
	start := len(*list)
	*list = append(*list, specs...)
	return stretch{start, len(*list)}
}

// New puts a method on a backbone. Both may be of this module or of the caller's own.
func New(method Method, backbone nets.Encoder) (*Model, error) {
	networks, err := method.Networks(backbone)
	if err != nil {
		return nil, fmt.Errorf("method %s: %w", method.Name(), err)
	}
	m := &Model{Method: method, networks: networks, spans: map[string]span{}}
	var target, running []nets.Spec
	for _, part := range networks.Online {
		p, b := part.Net.Params(), part.Net.Buffers()
		at := span{net: part.Net}
		at.params = add(&m.params, nets.Prefix(part.Name, p))
		at.buffers = add(&m.buffers, nets.Prefix(part.Name, b))
		if networks.Target && isEncoder(part.Name) {
			at.target = add(&target, nets.Prefix("target."+part.Name, p))
			at.running = add(&running, nets.Prefix("target."+part.Name, b))
		}
		switch part.Name {
		case BackbonePart:
			m.Backbone = part.Net
		case ProjectorPart:
			m.Projector = part.Net
		}
		m.spans[part.Name] = at
	}
	for name, at := range m.spans {
		at.running = at.running.from(len(target))
		m.spans[name] = at
	}
	m.state = append(append(target, running...), networks.State...)
	return m, nil
}

// Params describes theta.
func (m *Model) Params() []nets.Spec { return m.params }

// Buffers describes the running statistics of theta's networks.
func (m *Model) Buffers() []nets.Spec { return m.buffers }

// State describes what training moves without a gradient: the target network's parameters and running statistics, then
// the method's own tensors.
func (m *Model) State() []nets.Spec { return m.state }

// HasTarget reports whether there is a target network.
func (m *Model) HasTarget() bool { return m.networks.Target }

// Parts lists names: of the online parts, the backbone first; "target" if there is one; of the method's own state.
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

// PartParams returns the elements of theta, or of gradients by theta, that belong to an online part. They are not
// copied. Of a part that the model does not have there are none.
func (m *Model) PartParams(part string, theta []torch.Tensor) []torch.Tensor {
	return m.spans[part].params.of(theta)
}

// Steady says of each element of theta whether its learning rate stays as it is, whatever the schedule.
func (m *Model) Steady() []bool {
	out := make([]bool, len(m.params))
	for _, part := range m.networks.Steady {
		at := m.spans[part].params
		for i := at.start; i < at.end; i++ {
			out[i] = true
		}
	}
	return out
}

// WeightWidth returns c, the entries of a weight vector a_t in the given space.
func (m *Model) WeightWidth(space Space) int64 {
	switch {
	case space == Feature || m.Projector == nil:
		return m.Backbone.Dim()
	case m.networks.Dim > 0:
		return m.networks.Dim
	}
	return m.Projector.Dim()
}

// InitialState returns the state of a new run. The target network equals the online one; the rest is as its specs say.
func (m *Model) InitialState(s *torch.Scope, theta, buffers []torch.Tensor, o torch.Options) []torch.Tensor {
	state := nets.Initialize(s, m.state, o)
	if s.Err() != nil {
		return nil
	}
	if m.networks.Target {
		for _, part := range encoderParts() {
			at := m.spans[part]
			copyAll(s, at.target.of(state), at.params.of(theta))
			copyAll(s, at.running.of(state), at.buffers.of(buffers))
		}
	}
	return state
}

func copyAll(s *torch.Scope, to, from []torch.Tensor) {
	for i := range to {
		s.Copy(to[i], from[i])
	}
}

// encoderParams is the number of elements of theta that are the backbone's and the projector's. They come first.
func (m *Model) encoderParams() (n int) {
	for _, part := range encoderParts() {
		n = max(n, m.spans[part].params.end)
	}
	return n
}

// RunningStatistics returns the elements of buffers and state that backbone, projector and their target networks move
// by a rank's own pictures.
func (m *Model) RunningStatistics(buffers, state []torch.Tensor) (out []torch.Tensor) {
	for _, part := range encoderParts() {
		at := m.spans[part]
		out = append(out, at.buffers.of(buffers)...)
		if m.networks.Target {
			out = append(out, at.running.of(state)...)
		}
	}
	return out
}
