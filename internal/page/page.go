package page

import (
	"bytes"
	_ "embed" // the page's template
	"encoding/base64"
	"html/template"
	"image"
	"image/png"
	"io"
)

// Page is one self-contained HTML page.
type Page struct {
	Title    string
	Lead     []string // paragraphs
	Settings [][2]string
	Sections []Section
}

// Section is a part of a page; any field may be empty.
type Section struct {
	Title, Text string
	Tables      []Table
	Charts      []template.HTML
	Pictures    []Picture
}

// Table has a caption, a head and rows; the first column names the row.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
}

// Picture is shown enlarged by whole pixels, with a caption that is also its
// alternative text.
type Picture struct {
	Caption string
	Image   image.Image
}

// URI is the picture as a data URI.
func (p Picture) URI() (template.URL, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, p.Image); err != nil {
		return "", err
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), nil
}

//go:embed page.html
var pageTemplate string

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}
