package train

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestACheckpointIsAskedForOnce(t *testing.T) {
	asked := &atomic.Bool{}
	ctx := WithSaves(context.Background(), asked)
	asked.Store(true)
	require.True(t, saveAsked(ctx))
	require.False(t, saveAsked(ctx), "once for each request")
	require.False(t, saveAsked(context.Background()))
}
