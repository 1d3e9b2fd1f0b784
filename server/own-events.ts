// What the server stores about itself: each fact once, under an id that is made of it, through the fence like every other event, so that
// rules may watch it. The host of these events is the server, by a name that no enrolled host can have.
import type { EventDocument, NewEvent } from '../event/document.ts';
import { ownEventId } from '../event/id.ts';
import type { EventStore } from '../store/port.ts';
import { SERVER_BOOT_ID } from './admission.ts';
import type { DeliveryFence } from './delivery-fence.ts';

const SERVER_HOST_ID = 'vedette:server';
const ECS_VERSION = '8.17.0';

interface OwnFact {
  readonly dataset: 'vedette.retention' | 'vedette.hold' | 'vedette.store' | 'vedette.rule';
  readonly action: string;
  readonly message: string;
  /** What the id is made of: the same fact has the same. */
  readonly key: string;
  readonly counter: number;
  readonly fields: EventDocument;
}

export interface OwnEvents {
  /** Stores a fact durably. Throws what `append` throws. */
  tell(fact: OwnFact): Promise<void>;
}

export function createOwnEvents(parts: {
  readonly store: Pick<EventStore, 'append'>;
  readonly fence: Pick<DeliveryFence, 'begin' | 'settle'>;
  readonly now: () => number;
}): OwnEvents {
  const { store, fence, now } = parts;
  let turn: Promise<unknown> = Promise.resolve();

  const append = async (fact: OwnFact): Promise<void> => {
    const nowMs = now();
    const event = eventOf(fact, nowMs);
    const delivery = fence.begin(SERVER_HOST_ID, [event.id], { nowMs, ownCreatedMs: nowMs });
    let isStored = false;
    try {
      const [result] = await store.append([event]);
      isStored = result?.kind === 'created';
    } finally {
      fence.settle(delivery, isStored ? [] : [event.id], undefined);
    }
  };

  return {
    tell(fact) {
      const told = turn.then(() => append(fact));
      turn = told.catch(() => undefined);
      return told;
    },
  };
}

function eventOf({ dataset, action, message, key, counter, fields }: OwnFact, nowMs: number): NewEvent {
  const now = new Date(nowMs).toISOString();
  const document = {
    '@timestamp': now,
    ecs: { version: ECS_VERSION },
    message,
    event: {
      kind: 'event',
      category: ['configuration'],
      type: ['info'],
      module: 'vedette',
      dataset,
      action,
      created: now,
      ingested: now,
    },
    host: { id: SERVER_HOST_ID, name: 'vedette-server', boot: { id: SERVER_BOOT_ID } },
    vedette: fields,
  };
  return { id: ownEventId(SERVER_HOST_ID, SERVER_BOOT_ID, key.replaceAll('.', '-'), counter), document };
}
