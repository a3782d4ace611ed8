//go:build linux || darwin

package unpanicrt

import (
	"os"
	"syscall"
)

func openTable(path string) bool {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() < 64 || info.Size() > 1<<30 {
		return false
	}
	data, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return err == nil && setTable(data)
}
