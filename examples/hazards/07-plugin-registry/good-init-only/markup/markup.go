// Package markup brings the renderers for HTML.
package markup

import (
	"html"

	"unpanic.dev/examples/hazards/07-plugin-registry/good-init-only/registry"
)

func init() {
	registry.Register("html", html.EscapeString)
}
