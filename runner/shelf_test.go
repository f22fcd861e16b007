package runner

import (
	"context"
	"strings"
	"sync"
)

// A cupboard is a Shelf for a test.
type cupboard struct {
	mu     sync.Mutex
	caches []Cache
	layers []Layer
}

func (c *cupboard) CacheOf(_ context.Context, key string) (Cache, bool, error) {
	return c.last(func(one Cache) bool { return one.Key == key })
}

func (c *cupboard) NewestCache(_ context.Context, prefix string) (Cache, bool, error) {
	return c.last(func(one Cache) bool { return strings.HasPrefix(one.Key, prefix) })
}

func (c *cupboard) last(fits func(Cache) bool) (Cache, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.caches) - 1; i >= 0; i-- {
		if fits(c.caches[i]) {
			return c.caches[i], true, nil
		}
	}
	return Cache{}, false, nil
}

func (c *cupboard) PutCache(ctx context.Context, one Cache) (bool, error) {
	if _, taken, _ := c.CacheOf(ctx, one.Key); taken {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caches = append(c.caches, one)
	return true, nil
}

func (c *cupboard) DropCache(_ context.Context, one Cache) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.caches {
		if c.caches[i].Key == one.Key {
			c.caches = append(c.caches[:i:i], c.caches[i+1:]...)
			return nil
		}
	}
	return nil
}

func (c *cupboard) PutLayer(_ context.Context, l Layer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layers = append(c.layers, l)
	return nil
}

func (c *cupboard) Layers(context.Context, int64, string) ([]Layer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Layer(nil), c.layers...), nil
}
