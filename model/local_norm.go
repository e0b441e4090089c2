package model

import "github.com/icl-msr/icl-msr/torch"

// Norms are the ranks over whose rows batch norms take a batch's statistics
// (nets.Mode.Across): the group's, or, where local is set, nil, a rank alone.
func Norms(g *torch.Group, local bool) *torch.Group {
	if local {
		return nil
	}
	return g
}

// RunningStatistics returns, of the model's buffers and state, what backbone and
// projector and their target networks move by a rank's own pictures.
func (m *Model) RunningStatistics(buffers, state []torch.Tensor) (out []torch.Tensor) {
	for _, part := range []string{BackbonePart, ProjectorPart} {
		at, ok := m.spans[part]
		if !ok {
			continue
		}
		out = append(out, buffers[at.b:at.b+at.nb]...)
		if at.buffer >= 0 {
			b := m.target + at.buffer
			out = append(out, state[b:b+at.nb]...)
		}
	}
	return out
}
