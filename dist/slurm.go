package dist

import (
	"cmp"
	"fmt"
	"strings"
)

// fromSlurm reads the variables of a Slurm step (srun). Rank 0 runs on the first node of the step's list. Unless
// MASTER_PORT is set, the port follows from the job's number.
func fromSlurm(getenv func(string) string) (Place, error) {
	r := reader{getenv: getenv}
	p := Place{
		Rank:      r.number("SLURM_PROCID", -1),
		Size:      r.number("SLURM_STEP_NUM_TASKS", -1),
		LocalRank: r.number("SLURM_LOCALID", 0),
		Port:      r.number("MASTER_PORT", 20000+r.number("SLURM_JOB_ID", 0)%10000),
		Address:   getenv("MASTER_ADDR"),
		Attempt:   getenv("SLURM_RESTART_COUNT"),
		OwnGPU:    true,
	}
	p.LocalSize = p.LocalRank + 1
	// "4(x2),3" lists the number of tasks of each node, in order.
	if tasks, err := tasksPerNode(getenv("SLURM_STEP_TASKS_PER_NODE")); err == nil {
		if node := r.number("SLURM_NODEID", 0); node >= 0 && node < len(tasks) {
			p.LocalSize = max(p.LocalSize, tasks[node])
		}
	}
	if p.Address == "" {
		list := cmp.Or(getenv("SLURM_STEP_NODELIST"), getenv("SLURM_JOB_NODELIST"))
		first, err := firstNode(list)
		if err != nil {
			return p, err
		}
		p.Address = first
	}
	return p, r.err
}

// firstNode is the first name in a list like "gpu[07-09,12],login1".
func firstNode(list string) (string, error) {
	end := strings.IndexAny(list, ",[")
	if end < 0 {
		end = len(list)
	}
	name, rest := list[:end], list[end:]
	for strings.HasPrefix(rest, "[") {
		inside, after, closed := strings.Cut(rest[1:], "]")
		number := inside
		if k := strings.IndexAny(inside, "-,"); k >= 0 {
			number = inside[:k]
		}
		if !closed || number == "" {
			return "", fmt.Errorf("the environment's list of Slurm nodes is %q: not understood; "+
				"set MASTER_ADDR to the node of rank 0", list)
		}
		name += number
		end = strings.IndexAny(after, ",[")
		if end < 0 {
			end = len(after)
		}
		name, rest = name+after[:end], after[end:]
	}
	if name == "" {
		return "", fmt.Errorf("the environment's list of Slurm nodes is %q: set MASTER_ADDR to the node of rank 0", list)
	}
	return name, nil
}

// tasksPerNode expands "4(x2),3" to 4, 4, 3.
func tasksPerNode(s string) (out []int, err error) {
	for part := range strings.SplitSeq(s, ",") {
		n, times := 0, 1
		if count, _ := fmt.Sscanf(part, "%d(x%d)", &n, &times); count < 1 {
			return nil, fmt.Errorf("tasks per node %q", s)
		}
		if times < 1 || times > 1<<20 || len(out)+times > 1<<20 {
			return nil, fmt.Errorf("tasks per node %q", s)
		}
		for range times {
			out = append(out, n)
		}
	}
	return out, nil
}
