package main

import (
	"context"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/printable"
	"github.com/icl-msr/icl-msr/internal/suggest"
	"github.com/icl-msr/icl-msr/internal/usage"
	"github.com/icl-msr/icl-msr/torch"
	"github.com/icl-msr/icl-msr/train"
)

// jobFlags say how a data-parallel job is started and how its processes communicate.
type jobFlags struct {
	processes int
	backend   string
	timeout   time.Duration
}

func (j *jobFlags) bind(f *pflag.FlagSet) {
	f.IntVar(&j.processes, "nproc-per-node", 0,
		"start this many processes on this machine and train on all (0: train in this process, or in the job that "+
			"torchrun's or Slurm's variables describe)")
	f.StringVar(&j.backend, "backend", "", "backend of the collectives: gloo or nccl (default: nccl on GPUs, else gloo)")
	f.DurationVar(&j.timeout, "dist-timeout", 10*time.Minute,
		"how long processes wait for each other before the job fails")
}

// place returns the place of this process in the job. spawn reports that this process is to start all processes of the
// job.
func (j *jobFlags) place(device string) (p dist.Place, spawn bool, err error) {
	if j.processes < 0 {
		return p, false, usage.Errorf("--nproc-per-node %d: want 1 or more, or 0", j.processes)
	}
	if j.timeout <= 0 {
		return p, false, usage.Errorf("--dist-timeout %s: want a time above 0, as 10m", j.timeout)
	}
	if j.backend != "" && j.backend != "gloo" && j.backend != "nccl" {
		return p, false, usage.Wrap(suggest.Unknown("--backend", j.backend, []string{"gloo", "nccl"}))
	}
	if p, err = dist.Find(os.Getenv); err != nil {
		return p, false, usage.Wrap(err)
	}
	all := p
	if j.processes > 1 && p.Size == 1 {
		all.Size, all.LocalSize = j.processes, j.processes
	}
	if err := train.NoGPU(device); err != nil && all.Size > 1 {
		return p, false, err
	}
	if all.Size > 1 || j.backend == "nccl" {
		if _, _, err := dist.Assign(device, j.backend, all, torch.CUDADevices(), torch.Backends()); err != nil {
			return p, false, usage.Wrap(err)
		}
	}
	switch {
	case j.processes <= 1 && p.Size == 1, dist.Spawned():
		return p, false, nil
	case j.processes == 0:
		return p, false, nil
	case p.Size > 1:
		return p, false, usage.Errorf("--nproc-per-node %d in a job of %d processes that another program started (RANK or "+
			"SLURM_PROCID is set): leave it out", j.processes, p.Size)
	}
	return p, true, nil
}

// join connects this process with the others of the job. It returns nil if there are no others. It sets the device of c
// to that of this process, and the threads and workers to its share of the machine's cores.
func (j *jobFlags) join(ctx context.Context, p dist.Place, c *train.Config) (*dist.Job, error) {
	if p.Size == 1 {
		return nil, nil
	}
	c.Threads = or(c.Threads, max(1, runtime.NumCPU()/p.LocalSize))
	c.Workers = or(c.Workers, max(1, runtime.GOMAXPROCS(0)/p.LocalSize))
	kind := c.Device
	var err error
	if c.Device, j.backend, err = dist.Assign(c.Device, j.backend, p, torch.CUDADevices(), torch.Backends()); err != nil {
		return nil, err
	}
	settings, err := sameEverywhere(*c, kind)
	if err != nil {
		return nil, err
	}
	settings = append(settings, dist.Setting{Name: "--backend", Value: j.backend},
		dist.Setting{Name: "--dist-timeout", Value: j.timeout.String()})
	o := dist.Options{Device: c.Device, Backend: j.backend, Timeout: j.timeout, Same: settings}
	return unlessInterrupted(ctx, func() (*dist.Job, error) { return dist.JoinAt(p, o) })
}

// unlessInterrupted waits until meet returns or ctx ends. If ctx ends first, meet ends with the process.
func unlessInterrupted(ctx context.Context, meet func() (*dist.Job, error)) (job *dist.Job, err error) {
	met := make(chan struct{})
	go func() {
		defer close(met)
		job, err = meet()
	}()
	select {
	case <-met:
		return job, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// sameEverywhere lists the settings that must not differ between ranks: all but those of the machine.
func sameEverywhere(c train.Config, device string) (out []dist.Setting, err error) {
	c.Device, _, _ = strings.Cut(device, ":")
	c.Data.Dir, c.Data.Foreground, c.Data.Labels, c.Workers = "", "", "", 0
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, err
	}
	var settings yaml.Node
	if err := yaml.Unmarshal(text, &settings); err != nil {
		return nil, err
	}
	pairs := settings.Content[0].Content
	for i := 0; i+1 < len(pairs); i += 2 {
		value, err := yaml.Marshal(pairs[i+1])
		if err != nil {
			return nil, err
		}
		out = append(out, dist.Setting{Name: "--" + pairs[i].Value, Value: strings.TrimSpace(string(value))})
	}
	return out, nil
}

// spawn runs the command line in several processes.
func (j *jobFlags) spawn(ctx context.Context, p program, args []string) error {
	return dist.Spawn(ctx, j.processes, append([]string{"pretrain"}, args...), printable.Raw(p.stdout),
		printable.Raw(p.stderr))
}
