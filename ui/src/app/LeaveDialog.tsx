import { ConfirmDialog } from '../components/index.js';
import { useLeaveRequest } from '../navigation/index.js';

export function LeaveDialog() {
  const { isOpen, leave, stay } = useLeaveRequest();
  return (
    <ConfirmDialog
      title="Leave without saving?"
      isOpen={isOpen}
      confirmLabel="Discard changes"
      isDangerous
      onConfirm={leave}
      onClose={stay}
    >
      Your changes on this page are not saved. They are lost if you leave it.
    </ConfirmDialog>
  );
}
