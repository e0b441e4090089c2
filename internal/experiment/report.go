package experiment

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/page"
	"github.com/icl-msr/icl-msr/train"
)

// writeReport writes the page, and the tables as Markdown and CSV, to the folder out. It prints the tables to w.
func writeReport(w io.Writer, out string, doc page.Page, tables []page.Table) error {
	for name, write := range map[string]func(page.Table) string{"table.md": page.Table.Markdown,
		"table.csv": page.Table.CSV} {
		var b strings.Builder
		for _, t := range tables {
			b.WriteString(write(t) + "\n")
		}
		if err := atomicfile.Write(filepath.Join(out, name), writeText(b.String())); err != nil {
			return err
		}
	}
	path := filepath.Join(out, "index.html")
	if err := atomicfile.Write(path, doc.Write); err != nil {
		return err
	}
	for _, t := range tables {
		fmt.Fprintf(w, "%s\n", t.Markdown())
	}
	fmt.Fprintln(w, path)
	return nil
}

// classCount returns the number of classes of a data set. If the data set cannot be opened any more, the number is the
// largest possible, so that no figure is left out.
func classCount(c train.Config) int {
	ds, err := c.Open(false)
	if err != nil {
		return math.MaxInt
	}
	defer datasets.Close(ds)
	return len(ds.Classes())
}
