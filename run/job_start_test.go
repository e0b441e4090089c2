package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// refuses waits for the ranks to end soon. Each must end with the status, and with one line of error that contains the
// wanted words.
func refuses(t *testing.T, status int, want string, ranks ...*rank) {
	t.Helper()
	for _, k := range ranks {
		got, last := k.ends(t, 20*time.Second)
		assert.Equal(t, status, got, last)
		assert.Contains(t, last, want)
		assert.Equal(t, 1, strings.Count(k.errs.String(), "run: "), "one line: %s", k.errs)
	}
}

// An error names the settings that differ between ranks, and nothing is trained.
func TestRanksThatDifferAreRefused(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	with := func(more ...string) []string {
		return small(append([]string{"--dist-timeout", "20s", "--out", out}, more...)...)
	}
	for _, c := range []struct {
		want  string
		other []string
	}{
		{"--lr is 0.1 on rank 1 and 0.003 on rank 0: all ranks need the same", with("--lr", "0.1")},
		{"--method is byol on rank 1 and simclr on rank 0", with("--method", "byol")},
		{"--threads is 2 on rank 1 and 1 on rank 0", with("--threads", "2")},
		{"--dist-timeout is 21s on rank 1 and 20s on rank 0", with("--dist-timeout", "21s")},
	} {
		at := port(t)
		refuses(t, exitFailure, c.want, startRank(t, 0, 2, at, with()...), startRank(t, 1, 2, at, c.other...))
	}

	// The other build is the same program with one more byte at its end.
	program, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	other := filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, append(program, 0), 0o755))
	at := port(t)
	place := func(rank int) []string {
		return []string{fmt.Sprint("RANK=", rank), "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + at}
	}
	refuses(t, exitFailure, "the program's build is ", startRank(t, 0, 2, at, with()...),
		startProcess(t, other, place(1), with()...))

	// If every rank refuses for the same reason, every rank reports it.
	script := with("--arch", "torchscript:../nets/testdata/scripted.pt")
	at = port(t)
	refuses(t, exitUsage, "TorchScript backbone", startRank(t, 0, 2, at, script...), startRank(t, 1, 2, at, script...))
	assert.False(t, outfile.Exists(out), "no folder is made")
}

// picturesIn makes a folder of two classes, at most 16 pixels wide.
func picturesIn(t *testing.T, dir string, perClass int) {
	for _, class := range []string{"a", "b"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "train", class), 0o755))
		for i := range perClass {
			m := image.NewGray(image.Rect(0, 0, 16, 16))
			for k := range m.Pix {
				m.Pix[k] = byte(k*i + len(class))
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, m))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "train", class, fmt.Sprintf("%02d.png", i)), b.Bytes(), 0o644))
		}
	}
}

// An error names a file that is missing, renamed or different, anywhere in a folder. The path of the folder may differ.
func TestRanksWithOtherDataAreRefused(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	args := func(data string) []string {
		return small("--dist-timeout", "20s", "--out", out, "--dataset", "folder", "--batch-size", "8", "--epochs", "1",
			"--data-dir", filepath.Join(dir, data))
	}
	file := func(data, name string) string { return filepath.Join(dir, data, "train", name) }
	for _, name := range []string{"one", "same", "changed", "absent", "last"} {
		picturesIn(t, filepath.Join(dir, name), 9)
	}
	text, err := os.ReadFile(file("changed", "a/05.png"))
	require.NoError(t, err)
	text[len(text)-1] ^= 1 // the length stays
	require.NoError(t, os.WriteFile(file("changed", "a/05.png"), text, 0o644))
	require.NoError(t, os.Remove(file("absent", "b/02.png")))
	require.NoError(t, os.Remove(file("last", "b/08.png")))
	for data, want := range map[string]string{
		"changed": fmt.Sprintf("picture 6 of the data is 05.png of class a, %d bytes, checksum", len(text)),
		"absent": "picture 12 of the data is 03.png of class b on rank 1 and 02.png of class b on rank 0: all ranks need " +
			"the same",
		"last": "picture 18 of the data is not there (17 are) on rank 1 and 08.png of class b on rank 0",
	} {
		at := port(t)
		refuses(t, exitFailure, want, startRank(t, 0, 2, at, args("one")...), startRank(t, 1, 2, at, args(data)...))
	}
	assert.False(t, outfile.Exists(out), "no folder is made")
	at := port(t)
	for _, k := range []*rank{startRank(t, 0, 2, at, args("one")...), startRank(t, 1, 2, at, args("same")...)} {
		status, last := k.ends(t, 20*time.Second)
		assert.Zero(t, status, last)
	}
}

// The processes do not form one job: too many, too few, one rank twice, or a place that is not rank 0's.
func TestAJobThatDoesNotMeet(t *testing.T) {
	dir := t.TempDir()
	with := func(timeout string) []string {
		return small("--dist-timeout", timeout, "--out", filepath.Join(dir, "run"), "--epochs", "1")
	}
	patient, brief := with("20s"), with("2s")
	place := func(environ ...string) []string { return append([]string{"LOCAL_RANK="}, environ...) }

	// These processes wait in vain, so they run at the same time.
	late := map[string]*rank{}
	late["of 3 processes (WORLD_SIZE) rank 1, 2 did not come to 127.0.0.1:"] = startRank(t, 0, 3, port(t), brief...)
	late["rank 1: rank 0 does not answer at 127.0.0.1:"] = startRank(t, 1, 2, port(t), brief...)
	late[`rank 1: MASTER_ADDR "no such host" is no name or address that this machine knows`] = startProcess(t, os.Args[0],
		place("RANK=1", "WORLD_SIZE=2", "MASTER_ADDR=no such host", "MASTER_PORT=29500"), brief...)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // another program
	require.NoError(t, err)
	defer silent.Close()
	taken := strconv.Itoa(silent.Addr().(*net.TCPAddr).Port)
	late["rank 1: something else than this job's rank 0 is at 127.0.0.1:"+taken] = startRank(t, 1, 2, taken, brief...)
	for want, k := range late {
		refuses(t, exitFailure, want, k)
	}

	refuses(t, exitFailure, "address already in use; is another job there", startRank(t, 0, 2, taken, patient...))
	refuses(t, exitFailure, `rank 0: MASTER_ADDR "no such host" is no name or address`,
		startProcess(t, os.Args[0], place("RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=no such host", "MASTER_PORT=29500"),
			patient...))
	refuses(t, exitFailure, "MASTER_ADDR (192.0.2.1) is not this machine: give the address of rank 0's machine",
		startProcess(t, os.Args[0], place("RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=192.0.2.1", "MASTER_PORT=29500"),
			patient...))
	refuses(t, exitUsage, "rank 2 of 2 processes: ranks go from 0 to WORLD_SIZE-1",
		startRank(t, 2, 2, port(t), patient...))

	at := port(t)
	refuses(t, exitFailure, "WORLD_SIZE is 3 on rank 1 and 2 on rank 0: all ranks need the same",
		startRank(t, 0, 2, at, patient...), startRank(t, 1, 3, at, patient...))

	// The job gets one process too many, and one rank twice. Only these two are refused.
	at = port(t)
	ranks := []*rank{startRank(t, 1, 2, at, patient...), startRank(t, 1, 2, at, patient...),
		startRank(t, 2, 3, at, patient...), startRank(t, 0, 2, at, patient...)}
	refused := 0
	for i, k := range ranks {
		status, last := k.ends(t, 20*time.Second)
		switch {
		case i == 2:
			assert.Equal(t, exitFailure, status)
			assert.Contains(t, last, "rank 2: stopped: WORLD_SIZE is 3 on rank 2 and 2 on rank 0")
		case status != 0 && i < 2:
			refused++
			assert.Contains(t, last, "rank 1: another process has this rank at 127.0.0.1:"+at)
		default:
			assert.Zero(t, status, last)
		}
	}
	assert.Equal(t, 1, refused)
}

// If one rank has an error of its own, all ranks report it.
func TestOneRanksErrorIsToldByAll(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "data", "a"), 0o755))
	args := small("--dist-timeout", "10s", "--out", filepath.Join(dir, "run"), "--dataset", "folder", "--data-dir")
	at := port(t)
	a := startRank(t, 0, 2, at, append(args, filepath.Join(dir, "nowhere"))...)
	b := startRank(t, 1, 2, at, append(args, filepath.Join(dir, "data"))...)
	status, said := a.ends(t, 30*time.Second)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, said, "no such file or directory")
	status, said = b.ends(t, 30*time.Second)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, said, "data")
}

// If rank 0 fails after an epoch while the others wait for it, they report its error.
func TestRankZerosErrorBetweenEpochsIsToldByAll(t *testing.T) {
	out := filepath.Join(t.TempDir(), "run")
	ranks := job(t, 2, small("--epochs", "100000", "--dist-timeout", "20s", "--out", out)...)
	checkpoints := filepath.Dir(runfolder.Last(out))
	require.Eventually(t, func() bool { return outfile.Exists(runfolder.Last(out)) }, time.Minute, time.Millisecond)
	require.NoError(t, os.Rename(checkpoints, checkpoints+"-before"))
	require.NoError(t, os.WriteFile(checkpoints, nil, 0o644))
	status, said := ranks[0].ends(t, 20*time.Second)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, said, checkpoints)
	status, said = ranks[1].ends(t, 20*time.Second)
	assert.Equal(t, exitFailure, status)
	assert.Contains(t, said, "run: rank 1: stopped: rank 0 failed: ")
	assert.Contains(t, said, checkpoints)
}

func TestJobFlagsAreChecked(t *testing.T) {
	for want, args := range map[string][]string{
		"--nproc-per-node -1":                           {"--nproc-per-node", "-1"},
		`unknown --backend "glo"; did you mean "gloo"?`: {"--backend", "glo"},
		"--dist-timeout 0s":                             {"--dist-timeout", "0s"},
		"NCCL is between GPUs":                          {"--backend", "nccl"},
	} {
		status, _, errs := do(small(args...)...)
		assert.Equal(t, exitUsage, status)
		assert.Contains(t, errs, want)
	}
}

func TestABatchThatDoesNotDivideIsAUsageError(t *testing.T) {
	p, said := start(t, small("--nproc-per-node", "3", "--out", filepath.Join(t.TempDir(), "run"))...)
	assert.Error(t, p.Wait())
	assert.Equal(t, exitUsage, p.ProcessState.ExitCode(), said.String())
	assert.Contains(t, said.String(), "--batch-size 16 does not divide by the job's 3 processes; use 15 or 18")
}
