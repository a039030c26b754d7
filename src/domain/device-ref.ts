// Names one device of one user. The broker vouches for both: they come from the subject that a message was published on.

export interface DeviceRef {
  readonly user: string
  readonly device: string
}

/** `user/device`: neither may hold a slash (names.ts). */
export const deviceKey = ({ user, device }: DeviceRef): string => `${user}/${device}`

/** The inverse of `deviceKey`. */
export function parseDeviceKey(key: string): DeviceRef {
  const slash = key.indexOf('/')
  return { user: key.slice(0, slash), device: key.slice(slash + 1) }
}
