// Package inventory knows how many pieces of each article are in stock.
package inventory

import (
	"fmt"
	"hash/fnv"
	"sync"

	"unpanic.dev/examples/orders/internal/order"
)

const shards = 16

// Inventory is split in shards, so that orders for different articles seldom wait for each other.
type Inventory struct {
	shards [shards]shard
}

type shard struct {
	mu    sync.Mutex
	stock map[string]int
}

// New makes an inventory that holds the given pieces of each article.
func New(stock map[string]int) *Inventory {
	inv := &Inventory{}
	for i := range inv.shards {
		inv.shards[i].stock = make(map[string]int)
	}
	for article, pieces := range stock {
		inv.shard(article).stock[article] = pieces
	}
	return inv
}

// Reserve takes the lines out of stock, all of them or none.
func (inv *Inventory) Reserve(lines []order.Line) error {
	for i, line := range lines {
		if !inv.take(line.Article, line.Quantity) {
			for _, taken := range lines[:i] {
				inv.put(taken.Article, taken.Quantity)
			}
			return fmt.Errorf("%s: fewer than %d in stock", line.Article, line.Quantity)
		}
	}
	return nil
}

// InStock is the number of pieces of an article.
func (inv *Inventory) InStock(article string) int {
	s := inv.shard(article)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stock[article]
}

func (inv *Inventory) take(article string, pieces int) bool {
	s := inv.shard(article)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stock[article] < pieces {
		return false
	}
	s.stock[article] -= pieces
	return true
}

func (inv *Inventory) put(article string, pieces int) {
	s := inv.shard(article)
	s.mu.Lock()
	s.stock[article] += pieces
	s.mu.Unlock()
}

func (inv *Inventory) shard(article string) *shard {
	h := fnv.New32a()
	h.Write([]byte(article))
	return &inv.shards[h.Sum32()%shards]
}
