package datasets

import (
	"fmt"
	"strings"
	"testing"
)

// A crowd is several objects: neither it alone nor an object beside it makes a picture of one object.
func TestCOCOLeavesCrowdsOut(t *testing.T) {
	var categories, images, annotations []string
	for i, name := range cocoClasses() {
		categories = append(categories, fmt.Sprintf(`{"id": %d, "name": %q}`, i+1, name))
	}
	add := func(picture, crowd int) {
		annotations = append(annotations,
			fmt.Sprintf(`{"image_id": %d, "category_id": 3, "iscrowd": %d, "bbox": [1, 1, 5, 5]}`, picture, crowd))
	}
	for i := range 5 {
		images = append(images, fmt.Sprintf(`{"id": %d, "file_name": "%d.jpg", "width": 9, "height": 9}`, i, i))
	}
	add(0, 0)
	add(1, 1)
	add(2, 0)
	add(2, 1)
	add(3, 0)
	add(4, 0)
	add(4, 0)
	text := fmt.Sprintf(`{"categories": [%s], "images": [%s], "annotations": [%s]}`, strings.Join(categories, ","),
		strings.Join(images, ","), strings.Join(annotations, ","))
	a, err := readAnnotations(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.single("dir")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(d.paths); got != "[dir/0.jpg dir/3.jpg]" {
		t.Errorf("pictures of one object: %s", got)
	}
}
