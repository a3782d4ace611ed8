package prices

import (
	"testing"
	"time"
)

// What the shop's authors test. It passes with -race too: nothing here runs at once.
func TestOf(t *testing.T) {
	l := New(time.Hour)
	if cents, ok := l.Of("article-7"); !ok || cents != 107 {
		t.Fatalf("article-7 costs %d, %v", cents, ok)
	}
	if _, ok := l.Of("nothing"); ok {
		t.Fatal("there is a price of nothing")
	}
}
