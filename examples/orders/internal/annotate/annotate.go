// Package annotate lets every step of a job add to the one log line that the job ends with.
package annotate

import (
	"context"
	"log/slog"
)

type key struct{}

// With starts a log line for the job that ctx belongs to.
func With(ctx context.Context, job string) context.Context {
	return context.WithValue(ctx, key{}, map[string]any{"job": job})
}

// Set adds to the log line. It does nothing for a context that has none.
func Set(ctx context.Context, name string, value any) {
	if line, ok := ctx.Value(key{}).(map[string]any); ok {
		line[name] = value // want "MAP003"
	}
}

// Log writes the log line.
func Log(ctx context.Context, logger *slog.Logger) {
	line, ok := ctx.Value(key{}).(map[string]any)
	if !ok {
		return
	}
	attributes := make([]slog.Attr, 0, len(line))
	for name, value := range line {
		attributes = append(attributes, slog.Any(name, value))
	}
	logger.LogAttrs(ctx, slog.LevelInfo, "job done", attributes...)
}
