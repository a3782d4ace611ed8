// The lock of the embedded mutex is given back in each early branch, right before the return.
package p

import (
	"errors"
	"sync"
)

type Node struct {
	sync.RWMutex
	leader bool
	peers  map[string]int
}

func New() *Node { return &Node{peers: map[string]int{}} }

func (n *Node) StepDown(to string) error {
	n.Lock()
	if !n.leader {
		n.Unlock()
		return errors.New("no leader")
	}
	if _, ok := n.peers[to]; !ok && to != "" {
		n.Unlock()
		return errors.New("no such peer")
	}
	n.peers[to]++
	n.leader = false
	n.Unlock()
	return nil
}

func (n *Node) Add(peer string) {
	n.Lock()
	defer n.Unlock()
	n.peers[peer]++
}

func (n *Node) Remove(peer string) {
	n.Lock()
	defer n.Unlock()
	delete(n.peers, peer)
}

func (n *Node) Has(peer string) bool {
	n.RLock()
	defer n.RUnlock()
	return n.peers[peer] > 0
}
